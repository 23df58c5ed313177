#include "cli/facts.h"
#include "runtime/message.h"
#include "runtime/travel.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

static const data_fact known[] = {
    {.key = "classes",
     .macro = "CLASS_NAMES",
     .what = "names of the classes, in the order of the results",
     .kind = FACT_LIST},
    {.key = "vocabulary",
     .macro = "VOCABULARY",
     .what = "the characters that the numbers stand for, from 0",
     .kind = FACT_LIST},
    {.key = "tokens", .macro = "TOKENS", .what = "what the numbers are", .kind = FACT_TEXT},
    {.key = "scale",
     .macro = "SCALE",
     .what = "values of the data times this are inputs",
     .kind = FACT_FLOAT},
    {.key = "layout",
     .macro = "LAYOUT",
     .what = "order of the axes of inputs, a letter each",
     .kind = FACT_TEXT},
    {.key = "normalize",
     .macro = "NORMALIZED_BY",
     .what = "layers that take inputs to mean 0 and spread 1: nobody else needs to",
     .kind = FACT_LIST},
    {.key = "columns",
     .macro = "COLUMNS",
     .what = "the table's columns, with their words and means, as JSON",
     .kind = FACT_TEXT},
    {.key = "rate", .macro = "RATE", .what = "samples of sound in a second", .kind = FACT_WHOLE},
    {.key = "fit",
     .macro = "FIT",
     .what = "how images of other sizes were made to fit",
     .kind = FACT_TEXT},
};
enum { N_KNOWN = sizeof known / sizeof *known };

/* False: not there, or not of its kind. */
static bool fill(const safetensors *st, data_fact *f) {
  char *end;
  f->value = safetensors_meta(st, f->key);
  if (!f->value) return false;
  if (f->kind == FACT_LIST) return (f->item = travel_list(st, f->key, &f->n)) != NULL;
  if (f->kind == FACT_TEXT) return true;
  const double v = strtod(f->value, &end);
  return end != f->value && !*end && fabs(v) <= FLT_MAX && (f->kind == FACT_FLOAT || v == rint(v));
}

data_facts facts_of(const safetensors *st) {
  data_facts all = {.fact = allocate(N_KNOWN * sizeof *all.fact)};
  for (int i = 0; i < N_KNOWN; i++) {
    all.fact[all.n] = known[i];
    all.n += fill(st, &all.fact[all.n]);
  }
  return all;
}

bool facts_read(const char *weights, safetensors **st, data_facts *facts, char **error) {
  *st = safetensors_read(weights, error);
  if (*st) *facts = facts_of(*st);
  return *st != NULL;
}

void facts_free(data_facts *f) {
  for (int i = 0; i < f->n; i++) travel_free(f->fact[i].item, f->fact[i].n);
  free(f->fact);
  *f = (data_facts){0};
}
