/* Statements of `train {..}`, for the files that read them. */
#ifndef NETC_TRAINCFG_H
#define NETC_TRAINCFG_H
#include "expand.h"

/* The statement that counts for one word. */
typedef struct {
  const char *word;
  loc at;
  int n;
  arg *args;
  const char *folder;
  const char *label; /* before the statement, or NULL */
} chosen;

/* train_values.c: each tells what is wrong, and then returns false. */
/* "`batch` takes ..", at the statement. */
bool bad(expander *x, const chosen *c, const char *takes);
/* The alternatives of the one value of a statement: {a b c}, or just a. */
bool alternatives(expander *x, const chosen *c, const char *takes, int *n, value ***v);
void read_numbers(expander *x, const chosen *c, values *out, double lo, double hi, bool whole,
                  const char *takes);
bool first_name(expander *x, const chosen *c, const char *takes, value **v);
/* Binds the arguments from `from` on to named slots, all of them optional. */
bool word_slots(expander *x, const chosen *c, int from, int n, slot *slots);
/* The slot's number, if it was given. */
bool slot_number(expander *x, const chosen *c, const slot *s, double lo, double hi, bool whole,
                 double *out);
bool one_of(expander *x, const chosen *c, const value *v, const char *const *words, int n,
            const char **out);

/* train_schedule.c */
void read_schedule(expander *x, const chosen *c);

/* train_uses.c */
void read_loss(expander *x, const chosen *c);
void read_metric(expander *x, const chosen *c);
void read_optimizer(expander *x, const chosen *c);
void read_stop(expander *x, const chosen *c);
void default_optimizer(expander *x);
/* After all readers: the loss that goes without saying, and whether each takes what it compares. */
void check_losses(expander *x);

#endif
