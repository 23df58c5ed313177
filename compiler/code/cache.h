/* Compiled kernels on disk, so that a second start compiles nothing. A file holds a few kernels as
   one object, with the keys that decide about their code; a link for each kernel leads to it. Files
   appear whole or not at all, and a damaged or foreign one is as good as none: several processes
   may use the folder at a time. Nothing here ever fails: without a cache, kernels are compiled. */
#ifndef NETC_CACHE_H
#define NETC_CACHE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_NAME = 48 };

/* One kernel: its function's name, made from the key, and the key. */
typedef struct {
  char name[CACHE_NAME];
  char *key;
  size_t n_key;
} cached_kernel;

/* From now on kernels are looked for and kept, in $XDG_CACHE_HOME/netc or ~/.cache/netc, unless the
   environment has NETC_CACHE=0. */
void cache_enable(void);
void cache_disable(void);
/* NULL where there is none. */
const char *cache_folder(void);

/* Of a key: what says which build and processor the code is for, and the kernel's own words. */
cached_kernel cached_kernel_of(const char *machine, const int64_t *word, size_t n_word);
void cached_kernel_free(cached_kernel *k);

/* A file of the cache in memory. */
typedef struct {
  char *bytes;
  size_t n;
  const char *object;
  size_t n_object;
} cached_file;

/* A file that holds k (free its bytes), or false. */
bool cache_find(const cached_kernel *k, cached_file *f);
bool cached_file_holds(const cached_file *f, const cached_kernel *k);
/* Keeps an object that holds these kernels. */
void cache_keep(const cached_kernel *k, int n, const char *object, size_t n_object);

/* Files and bytes; removes all of it, and returns how many files went. */
void cache_measure(int *files, int64_t *bytes);
int cache_clear(void);
#endif
