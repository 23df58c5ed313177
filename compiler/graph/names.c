/* Names of layers, which their weights have in files. Without labels a layer is counted by its
   kind: conv1, conv2. A label names a layer, and stands before the names of what is inside it:
   b1.conv1; `blocks: repeat 2 {..}` counts its turns from 0, as PyTorch's lists do: blocks.0.conv1.
   A name that is taken gets a number. */
#include "expand.h"
#include <string.h>

static uint32_t hash(const char *s) {
  uint32_t h = 2166136261u;
  for (; *s; s++) h = (h ^ (uint8_t)*s) * 16777619u;
  return h;
}

static name_count *slot_of(name_count *table, int room, const char *key) {
  uint32_t i = hash(key) & (uint32_t)(room - 1);
  while (table[i].key && strcmp(table[i].key, key)) i = (i + 1) & (uint32_t)(room - 1);
  return &table[i];
}

static void grow(name_table *t, arena *a) {
  name_table had = *t;
  t->room = had.room ? had.room * 2 : 256;
  t->slot = NEW_N(a, name_count, t->room);
  for (int i = 0; i < had.room; i++)
    if (had.slot[i].key) *slot_of(t->slot, t->room, had.slot[i].key) = had.slot[i];
}

/* How often it was asked for that key, this time included. */
static int count(expander *x, const char *key) {
  name_table *t = &x->names;
  if (2 * t->n >= t->room) grow(t, x->a);
  name_count *s = slot_of(t->slot, t->room, key);
  if (!s->key) *s = (name_count){key, 0}, t->n++;
  return ++s->n;
}

/* "conv1", and "relu6_1": a name says which prefix it has. */
static const char *numbered(expander *x, const char *prefix, int n) {
  char last = prefix[strlen(prefix) - 1];
  return arena_printf(x->a, last >= '0' && last <= '9' ? "%s_%d" : "%s%d", prefix, n);
}

/* Keys of counters end in `#`, which no name has. */
static const char *next_of(expander *x, const char *prefix) {
  return numbered(x, prefix, count(x, arena_printf(x->a, "%s#", prefix)));
}

static const char *free_name(expander *x, const char *want) {
  const char *name = want;
  while (count(x, name) > 1)
    name = numbered(x, want, 1 + count(x, arena_printf(x->a, "%s##", want)));
  return name;
}

const char *join_path(expander *x, const char *label) {
  return free_name(x, x->path ? arena_printf(x->a, "%s.%s", x->path, label) : label);
}

void name_node(expander *x, node *n, const char *prefix, const char *given) {
  n->counted = next_of(x, prefix);
  n->name = given     ? given
            : x->path ? free_name(x, next_of(x, arena_printf(x->a, "%s.%s", x->path, prefix)))
                      : free_name(x, n->counted);
}
