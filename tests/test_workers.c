/* Threads that share work: every share once, groups one after the other, no two shares at a time
   for one thread number, and all of that beside threads that do nothing but take the processors,
   after a fork, from several threads, and from within a share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "compiler/base/workers.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GROUPS = 7, MOST = 40, THREADS = 3 };

typedef struct {
  _Atomic int done[GROUPS][MOST], busy[THREADS], wrong;
  int shares[GROUPS];
  bool nested;
} record;

static void inner(void *self, int me, int group, int share) {
  record *r = self;
  if (me >= THREADS || group || share > 1) r->wrong++;
}

static void do_share(void *self, int me, int group, int share) {
  record *r = self;
  int two = 2;
  if (me < 0 || me >= THREADS || atomic_fetch_add(&r->busy[me], 1)) r->wrong++;
  for (int s = 0; group && s < r->shares[group - 1]; s++) r->wrong += r->done[group - 1][s] != 1;
  for (volatile int i = 0; i < 2000; i++) continue;
  if (r->nested) workers_run(&(shared_work){1, &two, inner, r}, THREADS);
  r->done[group][share]++;
  r->busy[me]--;
}

/* How many invariants were broken in a call. */
static int broken(int threads, bool nested) {
  static _Thread_local record r;
  static const int shares[GROUPS] = {1, 40, 3, 16, 1, 2, 8};
  memset(&r, 0, sizeof r);
  memcpy(r.shares, shares, sizeof shares);
  r.nested = nested;
  workers_run(&(shared_work){GROUPS, r.shares, do_share, &r}, threads);
  for (int g = 0; g < GROUPS; g++)
    for (int s = 0; s < MOST; s++) r.wrong += r.done[g][s] != (s < r.shares[g]);
  return r.wrong;
}

static void test_every_share_once(void **state) {
  (void)state;
  for (int i = 0; i < 200; i++)
    for (int threads = 1; threads <= THREADS; threads++)
      assert_int_equal(broken(threads, i & 1), 0);
}

static _Atomic bool stop;

static void *hog(void *arg) {
  while (!stop) continue;
  return arg;
}

static void test_beside_busy_threads(void **state) {
  pthread_t t[4];
  (void)state;
  stop = false;
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, hog, NULL), 0);
  for (int i = 0; i < 50; i++) assert_int_equal(broken(2, false), 0);
  stop = true;
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
}

static void give_back(void *self, int me, int group, int share) {
  (void)me, (void)group, (void)share;
  munmap(self, 4096);
}

/* What the last share has done is the caller's again, who may have returned: nobody reads it. */
static void test_work_is_not_read_when_done(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    int *shares = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shares, MAP_FAILED);
    *shares = 1;
    workers_run(&(shared_work){1, shares, give_back, shares}, 2);
  }
}

static void *caller(void *wrong) {
  for (int i = 0; i < 100; i++) *(int *)wrong += broken(THREADS, false);
  return NULL;
}

static void test_several_callers(void **state) {
  pthread_t t[3];
  int wrong[3] = {0};
  (void)state;
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, caller, &wrong[i]);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  assert_int_equal(wrong[0] + wrong[1] + wrong[2], 0);
}

static void test_after_a_fork(void **state) {
  (void)state;
  assert_int_equal(broken(2, false), 0);
  pid_t child = fork();
  if (!child) {
    alarm(20);
    _exit(broken(2, false) + broken(THREADS, false) != 0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_int_equal(broken(2, false), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_share_once), cmocka_unit_test(test_beside_busy_threads),
      cmocka_unit_test(test_work_is_not_read_when_done), cmocka_unit_test(test_several_callers),
      cmocka_unit_test(test_after_a_fork)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
