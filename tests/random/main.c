/* Random networks, each held against the interpreter, finite differences and its own object:
     random_networks [--count N | --seconds S] [--seed S] [--every] [--print] [--no-shrink]
   [--tangled] [--shares] [--write-only] [FILE.net ..] Prints what differs, shrunk, and exits 1;
   with FILEs, judges those (no shrinking). --tangled: only networks of tangled operators; --shares:
   how often each construct came; --write-only with --print: judges nothing.
 */
#include "author.h"
#include "judge.h"
#include "shrink.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  long count, seed;
  double seconds;
  bool print, every, no_shrink, tangled, shares, write_only;
} settings;

typedef struct {
  long outcome[N_OUTCOMES], kind[N_KINDS], construct[N_CONSTRUCTS], quick, unclear;
  double slowest, worst_gradient;
} tally;

/* What a smaller text must still do: the same outcome, with the same words. */
typedef struct {
  judge_options o;
  verdict v;
} failure;

/* The message without names, numbers and places. */
static void skeleton(const verdict *v, char *to, size_t size) {
  size_t n = 0;
  const char *error = strstr(v->what, "internal error");
  for (const char *p = error ? error : v->what; *p && *p != '\n' && n + 1 < size; p++) {
    if (*p == '`') {
      const char *end = strchr(p + 1, '`');
      if (end) p = end;
    } else if (!(*p >= '0' && *p <= '9')) to[n++] = *p;
  }
  to[n] = 0;
}

static bool same_failure(const verdict *a, const verdict *b) {
  char x[200], y[200];
  if (a->outcome != b->outcome) return false;
  if (a->outcome != CRASHED) return true;
  skeleton(a, x, sizeof x);
  skeleton(b, y, sizeof y);
  return !strcmp(x, y);
}

static bool fails_too(const char *text, void *arg) {
  failure *f = arg;
  verdict v = judge_caged(text, &f->o);
  return same_failure(&v, &f->v);
}

static void report(const char *text, const failure *f, long seed, bool shrunk) {
  printf("--- %s (seed %ld%s), while %s:\n%s\n%s\n", outcome_name[f->v.outcome], seed,
         shrunk ? ", shrunk" : "", f->v.doing, f->v.what, text);
  fflush(stdout);
}

static void study(const char *text, failure *f, long seed, const settings *s) {
  if (s->no_shrink || f->v.outcome == REFUSED) {
    report(text, f, seed, false);
    return;
  }
  if (!fails_too(text, f)) { /* by chance: threads, or another process in the way */
    printf("once only:\n");
    report(text, f, seed, false);
    return;
  }
  char *small = shrink(text, fails_too, f, 60);
  f->v = judge_caged(small, &f->o);
  report(small, f, seed, true);
  free(small);
}

static judge_options options_of(long seed, network_kind kind, const settings *s) {
  return (judge_options){.every = s->every,
                         .turn = (int)(seed / 3 % 4),
                         .inference = seed / 12 % 3 == 0,
                         .threads = 1 + (int)(seed % 3 + 1) % 3,
                         .quick = !s->every && seed % 5 > 0,
                         .object = seed % 20 == 0,
                         .gradients = s->every || kind == TANGLED || seed % 4 == 0,
                         .limit = 10};
}

static void one(long seed, const settings *s, tally *t) {
  static const network_kind turn[] = {OWN, LAYERS, TANGLED};
  network_kind kind = s->tangled ? TANGLED : turn[seed % 3];
  uint32_t found;
  char *text = random_network((uint64_t)seed, kind, &found);
  failure f = {.o = options_of(seed, kind, s)};
  if (s->print) printf("--- %ld\n%s\n", seed, text);
  if (!s->write_only) f.v = judge_caged(text, &f.o);
  t->kind[kind]++;
  for (int i = 0; i < N_CONSTRUCTS; i++) t->construct[i] += found >> i & 1;
  t->quick += f.o.quick;
  t->unclear += f.v.unclear;
  t->outcome[f.v.outcome]++;
  if (f.v.seconds > t->slowest) t->slowest = f.v.seconds;
  if (f.v.outcome == RIGHT && f.v.gradient > t->worst_gradient) t->worst_gradient = f.v.gradient;
  if (f.v.outcome > INFINITE) study(text, &f, seed, s);
  free(text);
}

static int summary(const tally *t, long n, double seconds) {
  bool passed = t->outcome[RIGHT] + t->outcome[INFINITE] == n;
  printf(
      "%ld networks (%ld with operators of their own, %ld tangled, %ld in code as it is emitted) "
      "in %.0f s:",
      n, t->kind[OWN], t->kind[TANGLED], t->quick, seconds);
  for (int i = 0; i < N_OUTCOMES; i++)
    if (i == RIGHT || t->outcome[i]) printf(" %ld %s,", t->outcome[i], outcome_name[i]);
  if (t->unclear) printf(" %ld with gradients that differences cannot tell,", t->unclear);
  printf(" the slowest %.1f s, worst gradient %.0e%s\n", t->slowest, t->worst_gradient,
         passed ? "; PASSED" : "");
  return passed ? 0 : 1;
}

/* Of the tangled ones. */
static void print_shares(const tally *t) {
  for (int i = 0; i < N_CONSTRUCTS; i++)
    printf("%5.1f %% %s\n",
           100.0 * (double)t->construct[i] / (double)(t->kind[TANGLED] + !t->kind[TANGLED]),
           construct_name[i]);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile sig_atomic_t stopped;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static int run(const settings *s) {
  tally t = {0};
  double start = now();
  long n = 0;
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  for (; !stopped && (s->seconds > 0 ? now() - start < s->seconds : n < s->count); n++)
    one(s->seed + n, s, &t);
  if (s->shares) print_shares(&t);
  return summary(&t, n, now() - start);
}

static int judge_file(const char *path) {
  char *text = NULL;
  size_t size = 0;
  FILE *f = fopen(path, "r");
  if (!f || getdelim(&text, &size, 0, f) < 0) {
    fprintf(stderr, "%s: not readable\n", path);
    return 1;
  }
  fclose(f);
  judge_options o = {.every = true, .threads = 2, .object = true, .gradients = true, .limit = 10};
  verdict v = judge_caged(text, &o);
  printf("%s: %s; %s; %s (gradient %.1e, %.1f s)\n", path, outcome_name[v.outcome], v.doing, v.what,
         v.gradient, v.seconds);
  free(text);
  return v.outcome != RIGHT;
}

int main(int argc, char **argv) {
  settings s = {.count = 100, .seed = 1};
  int status = 0, files = 0;
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (!strcmp(argv[i], "--count")) s.count = atol(value), i++;
    else if (!strcmp(argv[i], "--seconds")) s.seconds = atof(value), i++;
    else if (!strcmp(argv[i], "--seed")) s.seed = atol(value), i++;
    else if (!strcmp(argv[i], "--print")) s.print = true;
    else if (!strcmp(argv[i], "--every")) s.every = true;
    else if (!strcmp(argv[i], "--no-shrink")) s.no_shrink = true;
    else if (!strcmp(argv[i], "--tangled")) s.tangled = true;
    else if (!strcmp(argv[i], "--shares")) s.shares = true;
    else if (!strcmp(argv[i], "--write-only")) s.write_only = true;
    else files++, status |= judge_file(argv[i]);
  }
  return files ? status : run(&s);
}
