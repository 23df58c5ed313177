/* The state is one word: which group runs (its turn, counted through all calls), and which of its
   shares are free, an interval that thread 0 takes from the front and the others from the back (so
   that a thread finds what it left in its cache in the group before). A share is taken by
   compare-and-swap on that word; since the turn is part of it, who comes late takes nothing.
   Whoever does the last share of a group publishes the next one. Waiting is for that turn: a while
   in a loop, then asleep, so that a thread which holds a share gets the processor. */
#include "workers.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SPINS = 2000, MAX_HELPERS = 1023 };

static struct {
  _Alignas(64) _Atomic uint64_t state; /* turn << 32 | end of the free shares << 16 | their begin */
  _Alignas(64) _Atomic int done;       /* shares of this turn */
  _Atomic int threads;                 /* that may take part in this call */
  _Atomic int sleeping;
  const shared_work *work;
  uint32_t first; /* turn of the call's first group */
  int helpers;
  pthread_mutex_t caller, lock;
  pthread_cond_t next;
} team = {.caller = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .next = PTHREAD_COND_INITIALIZER};

static uint32_t turn_of(uint64_t state) { return (uint32_t)(state >> 32); }
static int begin_of(uint64_t state) { return (int)(state & 0xffff); }
static int end_of(uint64_t state) { return (int)(state >> 16 & 0xffff); }

static void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void publish(uint32_t turn, int shares) {
  atomic_store(&team.state, (uint64_t)turn << 32 | (uint64_t)shares << 16);
  if (!atomic_load(&team.sleeping)) return;
  pthread_mutex_lock(&team.lock);
  atomic_store(&team.sleeping, 0);
  pthread_cond_broadcast(&team.next);
  pthread_mutex_unlock(&team.lock);
}

static void wait_for_turn_after(uint32_t turn) {
  for (int i = 0; i < SPINS; i++) {
    if (turn_of(atomic_load(&team.state)) != turn) return;
    rest();
  }
  pthread_mutex_lock(&team.lock);
  atomic_fetch_add(&team.sleeping, 1);
  while (turn_of(atomic_load(&team.state)) == turn) pthread_cond_wait(&team.next, &team.lock);
  pthread_mutex_unlock(&team.lock);
}

/* Takes a free share of the turn that runs. False: there is none for this thread; *seen says when.
 */
static bool take(int me, uint64_t *seen, int *share) {
  *seen = atomic_load(&team.state);
  while (begin_of(*seen) < end_of(*seen) && me < atomic_load(&team.threads)) {
    uint64_t rest_of_it = me ? *seen - (1 << 16) : *seen + 1;
    *share = me ? end_of(*seen) - 1 : begin_of(*seen);
    if (atomic_compare_exchange_weak(&team.state, seen, rest_of_it)) return true;
  }
  return false;
}

/* The share was taken, so that the call cannot end before it is done. From the count on, it can:
   the work belongs to its caller again, unless this was the last share. */
static void run_share(int me, uint32_t turn, int share) {
  const shared_work *w = team.work;
  int group = (int)(turn - team.first), shares = w->shares[group];
  w->run(w->self, me, group, share);
  if (atomic_fetch_add(&team.done, 1) + 1 < shares) return;
  atomic_store(&team.done, 0);
  publish(turn + 1, group + 1 < w->n_group ? w->shares[group + 1] : 0);
}

/* Takes shares until the turn is `last`. A helper has no last turn. */
static void take_part(int me, const uint32_t *last) {
  uint64_t seen;
  int share;
  for (;;) {
    if (take(me, &seen, &share)) run_share(me, turn_of(seen), share);
    else if (last && turn_of(seen) == *last) return;
    else wait_for_turn_after(turn_of(seen));
  }
}

/* --- helpers --- */

static void *helper(void *me) {
  take_part((int)(intptr_t)me, NULL);
  return NULL;
}

/* Signals are for the program's own thread. */
static bool start_helper(int me) {
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool ok = !pthread_create(&thread, NULL, helper, (void *)(intptr_t)me);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (ok) pthread_detach(thread);
  return ok;
}

/* A child has no threads but the one that forked. */
static void forget_helpers(void) {
  team.helpers = 0;
  atomic_store(&team.sleeping, 0);
  atomic_store(&team.done, 0);
  pthread_mutex_init(&team.caller, NULL);
  pthread_mutex_init(&team.lock, NULL);
  pthread_cond_init(&team.next, NULL);
}

static void on_fork(void) { pthread_atfork(NULL, NULL, forget_helpers); }

static void need_helpers(int n) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, on_fork);
  if (n > MAX_HELPERS) n = MAX_HELPERS;
  while (team.helpers < n && start_helper(team.helpers + 1)) team.helpers++;
}

static void run_alone(const shared_work *w) {
  for (int g = 0; g < w->n_group; g++)
    for (int s = 0; s < w->shares[g]; s++) w->run(w->self, 0, g, s);
}

void workers_run(const shared_work *w, int threads) {
  if (threads < 2 || !w->n_group || pthread_mutex_trylock(&team.caller)) {
    run_alone(w);
    return;
  }
  need_helpers(threads - 1);
  uint32_t now = turn_of(atomic_load(&team.state)), last;
  team.work = w;
  team.first = now + 1;
  last = team.first + (uint32_t)w->n_group;
  atomic_store(&team.threads, threads);
  publish(team.first, w->shares[0]);
  take_part(0, &last);
  pthread_mutex_unlock(&team.caller);
}

int workers_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  return CPU_COUNT(&set);
}
