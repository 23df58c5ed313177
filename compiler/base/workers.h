/* Threads that share work, and that a busy machine cannot stop: work comes in groups, one after the
   other, each cut into shares. Whoever is free takes the next share; a group ends when its shares
   are done, whoever did them. So nobody waits for a thread that has lost its processor before it
   took anything. */
#ifndef NETC_WORKERS_H
#define NETC_WORKERS_H

typedef struct {
  int n_group;
  const int *shares; /* of every group: 1 to 32,767 */
  /* Does one share of a group. `me` is the thread that does it, below `threads`: no two shares run
     with the same `me` at the same time. */
  void (*run)(void *self, int me, int group, int share);
  void *self;
} shared_work;

/* Runs all groups in order on up to `threads` threads; the caller is thread 0, the others stay for
   the next call. Safe after fork, and from several threads (who comes second works alone). */
void workers_run(const shared_work *w, int threads);
/* Processors that this process may run on. */
int workers_processors(void);
#endif
