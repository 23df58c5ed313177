/* `schedule cosine warmup=5 final=0.1;`: how the learning rate changes. */
#include "traincfg.h"
#include <string.h>

/* Which settings a kind of schedule takes; `steps` makes counts ones of steps, not epochs. */
static const struct {
  const char *kind;
  unsigned takes; /* as bits, by place in a schedule's values */
} schedules[] = {
    {"constant", 1 << SCHEDULE_WARMUP},
    {"step", 1 << SCHEDULE_EVERY | 1 << SCHEDULE_TIMES | 1 << SCHEDULE_WARMUP},
    {"exponential", 1 << SCHEDULE_TIMES | 1 << SCHEDULE_WARMUP},
    {"cosine", 1 << SCHEDULE_WARMUP | 1 << SCHEDULE_FINAL},
    {"linear", 1 << SCHEDULE_WARMUP | 1 << SCHEDULE_FINAL},
    {"onecycle", 1 << SCHEDULE_PCT_START | 1 << SCHEDULE_DIV | 1 << SCHEDULE_FINAL_DIV}};
enum { N_SCHEDULE = sizeof schedules / sizeof *schedules };

static const struct {
  const char *name;
  double lo, hi, usual;
  bool whole;
} schedule_values[SCHEDULE_VALUES] = {
    [SCHEDULE_EVERY] = {"every", 1, 1e9, 0, true},
    [SCHEDULE_TIMES] = {"times", 0, 10, 0.1, false},
    [SCHEDULE_WARMUP] = {"warmup", 0, 1e9, 0, true},
    [SCHEDULE_FINAL] = {"final", 0, 1, 0, false},
    [SCHEDULE_PCT_START] = {"pct_start", 0, 1, 0.3, false},
    [SCHEDULE_DIV] = {"div_factor", 1, 1e9, 25, false},
    [SCHEDULE_FINAL_DIV] = {"final_div_factor", 1, 1e12, 1e4, false}};

static bool schedule_numbers(expander *x, const chosen *c, unsigned takes, schedule_rule *r) {
  slot s[SCHEDULE_VALUES + 1];
  int at[SCHEDULE_VALUES], n = 0;
  for (int i = 0; i < SCHEDULE_VALUES; i++) {
    r->value[i] = schedule_values[i].usual;
    if (!(takes >> i & 1)) continue;
    s[n] = (slot){.name = schedule_values[i].name};
    at[n++] = i;
  }
  const bool counts = takes >> SCHEDULE_WARMUP & 1;
  s[n] = (slot){.name = "steps"};
  if (!word_slots(x, c, 1, n + counts, s)) return false;
  bool ok = true;
  for (int k = 0; k < n; k++)
    ok &= slot_number(x, c, &s[k], schedule_values[at[k]].lo, schedule_values[at[k]].hi,
                      schedule_values[at[k]].whole, &r->value[at[k]]);
  double steps = 0;
  if (counts) ok &= slot_number(x, c, &s[n], 0, 1, true, &steps);
  r->in_steps = steps != 0;
  return ok;
}

void read_schedule(expander *x, const chosen *c) {
  const char *kinds[N_SCHEDULE];
  schedule_rule r = {0};
  int k = 0;
  for (int i = 0; i < N_SCHEDULE; i++) kinds[i] = schedules[i].kind;
  if (c->n < 1 || c->args[0].key) {
    bad(x, c, "`step`, `exponential`, `cosine`, `linear`, `onecycle` or `constant`");
    return;
  }
  if (!one_of(x, c, c->args[0].v, kinds, N_SCHEDULE, &r.kind)) return;
  while (strcmp(kinds[k], r.kind)) k++;
  if (!schedule_numbers(x, c, schedules[k].takes, &r)) return;
  if (schedules[k].takes >> SCHEDULE_EVERY & 1 && !r.value[SCHEDULE_EVERY])
    bad(x, c, "the epochs of a step, for example `schedule step every=10 times=0.5`");
  else x->g->train.schedule = r;
}
