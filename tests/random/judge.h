/* One network's numbers, held against each other. */
#ifndef JUDGE_H
#define JUDGE_H
#include <stdbool.h>
#include <stdint.h>

typedef enum {
  RIGHT,
  INFINITE, /* values beyond what numbers hold: nothing to compare (0 * inf is no 0) */
  REFUSED,
  DIFFERENT,
  GRADIENT,
  CRASHED,
  TOO_LONG,
  N_OUTCOMES
} outcome;

typedef struct {
  outcome outcome;
  char doing[120]; /* the last thing that was begun */
  char what[400];
  bool infinite;   /* a value was beyond all numbers */
  bool unclear;    /* differences could not tell all of the gradients */
  double gradient; /* the worst error of a gradient against differences */
  double seconds;  /* of processor time */
} verdict;

typedef struct {
  bool inference; /* this program too */
  bool every;     /* all targets, rather than some in turn */
  int turn;
  int threads;    /* 1 to 3, for the runs with threads */
  bool quick;     /* code that is not optimized, but for gradients */
  bool object;    /* compare the object file with the JIT as well */
  bool gradients; /* compare them with differences */
  double limit;   /* seconds of processor time */
} judge_options;

/* In this process: whatever goes wrong with netc goes wrong here. */
void judge(const char *text, const judge_options *o, verdict *v);
/* In a process of its own, whose end, memory and time are watched. */
verdict judge_caged(const char *text, const judge_options *o);
extern const char *const outcome_name[N_OUTCOMES];
#endif
