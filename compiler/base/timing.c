#include "timing.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_PARTS = 32 };

typedef struct {
  const char *name;
  double seconds;
  int64_t bytes;
} part;

static bool enabled;
static int n_part;
static part parts[MAX_PARTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double seconds_now(void) { return seconds_of(CLOCK_MONOTONIC); }

double seconds_worked(void) { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

void timing_enable(void) { enabled = true; }

static part *part_of(const char *name) {
  for (int i = 0; i < n_part; i++)
    if (!strcmp(parts[i].name, name)) return &parts[i];
  if (n_part == MAX_PARTS) return &parts[MAX_PARTS - 1];
  parts[n_part] = (part){.name = name};
  return &parts[n_part++];
}

void timing_add(const char *name, double seconds, int64_t bytes) {
  if (!enabled) return;
  pthread_mutex_lock(&lock);
  part *p = part_of(name);
  p->seconds += seconds;
  p->bytes += bytes;
  pthread_mutex_unlock(&lock);
}

static void print_part(const char *name, double seconds, int64_t bytes, double all) {
  fprintf(stderr, "  %-14s %10.1f %8.1f%% %10" PRId64 "\n", name, 1e3 * seconds,
          all > 0 ? 100 * seconds / all : 0, bytes / 1024);
}

void timing_report(const char *what) {
  double all = 0, llvm = 0;
  int64_t bytes = 0;
  if (!enabled) return;
  for (int i = 0; i < n_part; i++) {
    all += parts[i].seconds;
    bytes += parts[i].bytes;
    if (!strncmp(parts[i].name, "LLVM", 4)) llvm += parts[i].seconds;
  }
  fprintf(stderr, "%s\n  %-14s %10s %9s %10s\n", what, "pass", "ms", "share", "KiB");
  for (int i = 0; i < n_part; i++) print_part(parts[i].name, parts[i].seconds, parts[i].bytes, all);
  print_part("together", all, bytes, all);
  if (llvm > 0) print_part("of it LLVM", llvm, 0, all);
  n_part = 0;
}
