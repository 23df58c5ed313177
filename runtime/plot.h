/* Learning curves through gnuplot. Without gnuplot there are no pictures, which is no error. */
#ifndef NETC_PLOT_H
#define NETC_PLOT_H
#include "atomic_file.h"
#include "early_stop.h"
#include <sys/types.h>

/* One curve pair of a picture: the rows of a run, or the means over its seeds. */
typedef struct {
  const char *name;
  const epoch_row *row;
  int n;
} plot_series;

/* gnuplot at work on two files that take their names when it is done. pid 0: nothing begun. */
typedef struct {
  pid_t pid;
  atomic_file svg, png;
} plot_job;

/* Starts gnuplot as a process of its own on curves.svg and curves.png in dir: loss and accuracy,
   training and validation, the best epoch marked, and overfitting shaded from the epoch after the
   least validation loss on. Returns what to hand to plot_wait, also where there is nothing to
   plot. */
plot_job plot_curves(const char *dir, const char *title, const epoch_row *row, int n, int best);
/* Validation loss and accuracy of several runs over one another, in the files BASE.svg, BASE.png.
 */
plot_job plot_overlay(const char *base, const char *title, const plot_series *s, int n);
/* Waits, and puts the pictures in their places, whole. False if they could not be made (no gnuplot,
   or it failed). */
bool plot_wait(plot_job *job);
/* Draws loss and accuracy of two epochs or more on the terminal, each in so many columns and lines
   of plain characters, over what the last call drew. Written to stderr. */
void plot_terminal(const epoch_row *row, int n, int epochs, int columns, int lines);
/* The epoch of the least validation loss, from 1; 0 without rows. */
int least_val_loss(const epoch_row *row, int n);
#endif
