/* Data sets in memory, whatever file they came from: samples, and named fields that hold a value or
   an array of values for each of them. A file is one of: a pickled dictionary of arrays, an .npz, a
   table of text (CSV, TSV), plain text, IDX files (MNIST), or a folder: the "python version" of
   CIFAR-10 or CIFAR-100, pictures, sounds. Reading never runs anything that a file says. */
#ifndef NETC_DATASET_H
#define NETC_DATASET_H
#include "match.h"
#include "csv.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum {
  LAYOUT_AUTO, /* in options only: from the shape, or an error where two readings are possible */
  LAYOUT_NHWC,
  LAYOUT_NCHW,
  LAYOUT_FLAT /* N x (C*H*W), each sample in C, H, W order */
} image_layout;

typedef struct {
  const char *path;
  const char *val, *test;      /* files of the same kind: validation and test set; NULL: none */
  const char *images, *labels; /* keys; NULL: found by themselves */
  const char *layout;          /* "nhwc", "nchw", "flat"; NULL: from the shape */
  const char *fit;             /* of pictures: a word of fitting_words; NULL: stretch */
  double scale;                /* factor of every pixel; 0: 1/255 for uint8, 1 for floats */
  /* What the network takes; 0: not known. Settles an ambiguous layout; else it must agree. */
  int c, h, w;
  int classes; /* labels must lie below it; 0: the count of names, or the largest label + 1 */
  int n_port;  /* what the network is given, its inputs first; 0: there is no network */
  const data_port *port;
  csv_options csv;
  const char *columns; /* a table is to have those that the network was trained on */
  bool bytes;          /* text in bytes, not characters */
  int mel;             /* sounds as log-mel of so many bands; 0: as they are */
  int rate;            /* what sounds are to have: samples a second; 0: any */
  bool any;            /* without a network: any fields will do, not only labelled images */
} dataset_options;

/* A key of the file and what it holds: "labels", "int64 array 1005". */
typedef struct {
  char *key, *what;
} data_entry;

typedef struct {
  char *path;
  int64_t n;
  int h, w, c;
  image_layout layout;   /* as in the file; never LAYOUT_AUTO */
  const uint8_t *bytes;  /* n x c x h x w pixels whatever the layout; NULL where they are floats */
  const float *floats;   /* the same where the pixels are floats; NULL where they are bytes */
  double scale;          /* what dataset_floats multiplies by */
  const int32_t *labels; /* n, each in [0, classes) */
  int classes;
  char **label_names; /* classes names, or NULL */
  char **filenames;   /* n, or NULL */
  int64_t held_from;  /* the data set's own validation set begins here; n: it has none */
  int64_t test_from;  /* and its own test set, which training never looks at; n: it has none */
  const char *fit;    /* of pictures: how they got their size, or NULL */
  uint64_t hash;      /* of shape, pixels and labels: the same for the same data in any format */
  /* for `netc data`: where things were found */
  char *images_key, *labels_key; /* "" where the file has no keys (a pickled pair) */
  char *stored_type;             /* "uint8", "float64", "list" ... */
  int n_entry;                   /* everything in the file (of several files: the first) */
  data_entry *entry;
  /* What every data set has. That of labelled images has two fields, and what is above as well;
     any other has no bytes and no floats, and labels only if its first target is classes. */
  field_set fields;
  int n_port;
  int *port_field;   /* the field of each port of the options; NULL without ports */
  bool *port_whole;  /* is it given whole numbers? */
  bool *port_target; /* is it what predictions are compared with? */
} dataset;

/* Reads a data set whole. NULL on failure, with *error a sentence that names the file, what is
   wrong and what to do (malloc'd; the caller frees). */
dataset *dataset_open(const dataset_options *o, char **error);
void dataset_close(dataset *ds);
/* What port `port` is given for one sample: floats, or int32 where it is whole numbers. */
void dataset_port(const dataset *ds, int port, int64_t index, void *out);
/* The field of a port. */
const data_field *dataset_field(const dataset *ds, int port);
/* One sample as c*h*w floats in C, H, W order, scaled. Aborts on an index outside [0, n). */
void dataset_floats(const dataset *ds, int64_t index, float *chw);
/* One sample as h*w*c bytes in H, W, C order for showing: floats are mapped from [0, 1] (or, if
   the sample leaves that range, from its own minimum and maximum) to [0, 255]. */
void dataset_pixels(const dataset *ds, int64_t index, uint8_t *hwc);
/* "cats" or "3": the name of a class for messages; buf is used for the number. */
const char *dataset_class_name(const dataset *ds, int label, char buf[16]);
#endif
