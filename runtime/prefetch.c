#include "prefetch.h"
#include "message.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const dataset *ds;
  const int64_t *index;
  int n;
  augmentation a;
  bool change;
} order;

struct prefetch {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum { IDLE, ORDERED, READY, LEAVING } state;
  order o;
  step_buffers b; /* with ports of its own for what is given */
};

static void *work(void *self) {
  prefetch *p = self;
  pthread_mutex_lock(&p->lock);
  while (p->state != LEAVING) {
    if (p->state != ORDERED) {
      pthread_cond_wait(&p->changed, &p->lock);
      continue;
    }
    const order o = p->o;
    pthread_mutex_unlock(&p->lock);
    batch_give(o.ds, o.index, o.n, o.change ? &o.a : NULL, &p->b);
    pthread_mutex_lock(&p->lock);
    if (p->state == ORDERED) p->state = READY;
    pthread_cond_broadcast(&p->changed);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

prefetch *prefetch_new(const step_buffers *b) {
  prefetch *p = allocate(sizeof *p);
  p->b = *b;
  for (int i = 0; i < b->n_given; i++)
    p->b.port[i] = allocate((size_t)program_batch(b->p) * (size_t)program_port(b->p, i)->count * 4);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->changed, NULL);
  if (!pthread_create(&p->thread, NULL, work, p)) return p;
  p->state = LEAVING; /* there is no thread to be had: batches are made when they are needed */
  return p;
}

static void free_memory(prefetch *p) {
  for (int i = 0; i < p->b.n_given; i++) free(p->b.port[i]);
  pthread_mutex_destroy(&p->lock);
  pthread_cond_destroy(&p->changed);
  free(p);
}

void prefetch_free(prefetch *p) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  const bool runs = p->state != LEAVING;
  p->state = LEAVING;
  pthread_cond_broadcast(&p->changed);
  pthread_mutex_unlock(&p->lock);
  if (runs) pthread_join(p->thread, NULL);
  free_memory(p);
}

void prefetch_begin(prefetch *p, const dataset *ds, const int64_t *index, int n,
                    const augmentation *a) {
  pthread_mutex_lock(&p->lock);
  while (p->state == ORDERED) pthread_cond_wait(&p->changed, &p->lock);
  if (p->state != LEAVING) {
    p->o = (order){.ds = ds, .index = index, .n = n, .change = a != NULL};
    if (a) p->o.a = *a;
    p->state = ORDERED;
    pthread_cond_broadcast(&p->changed);
  }
  pthread_mutex_unlock(&p->lock);
}

bool prefetch_take(prefetch *p, const int64_t *index, int n, const step_buffers *b) {
  pthread_mutex_lock(&p->lock);
  while (p->state == ORDERED) pthread_cond_wait(&p->changed, &p->lock);
  const bool same = p->state == READY && p->o.index == index && p->o.n == n;
  for (int i = 0; i < b->n_given && same; i++)
    memcpy(b->port[i], p->b.port[i], (size_t)n * (size_t)program_port(b->p, i)->count * 4);
  if (p->state == READY) p->state = IDLE;
  pthread_mutex_unlock(&p->lock);
  return same;
}
