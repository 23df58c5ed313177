#include "cifar.h"
#include "file.h"
#include "keys.h"
#include "message.h"
#include "pickle.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *folder, *first; /* where it is usually unpacked; a file that tells it */
  const char *file[7];        /* the last one is the test set */
  const char *names_file;
} cifar_form;

static const cifar_form forms[] = {
    {"cifar-10-batches-py",
     "data_batch_1",
     {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"},
     "batches.meta"},
    {"cifar-100-python", "train", {"train", "test"}, "meta"},
};

static bool holds(const char *folder, const char *name) {
  char *path = path_join(folder, name);
  bool yes = file_exists(path) && !is_directory(path);
  free(path);
  return yes;
}

/* The form of the folder, or of the usual folder inside it; *folder is malloc'd. */
static const cifar_form *find_form(const char *path, char **folder) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    char *inside = path_join(path, forms[i].folder);
    bool here = holds(path, forms[i].first);
    if (here || holds(inside, forms[i].first)) {
      *folder = here ? copy_string(path, strlen(path)) : inside;
      if (here) free(inside);
      return &forms[i];
    }
    free(inside);
  }
  return NULL;
}

bool cifar_folder(const char *path) {
  char *folder;
  const bool found = find_form(path, &folder) != NULL;
  if (found) free(folder);
  return found;
}

/* A pickled file of the folder, read; what() uses the values while they live. */
typedef char *use_values(gatherer *g, value_heap *h, const value *root, void *to);

static char *with_file(gatherer *g, const char *folder, const char *name, use_values *use,
                       void *to) {
  char *path = path_join(folder, name), *wrong = NULL;
  size_t n = 0;
  uint8_t *bytes = file_read(path, &n, &wrong);
  if (bytes) {
    value_heap *h = heap_new(pickle_budget(n));
    value root;
    if (pickle_read(h, bytes, n, &root, &wrong)) wrong = use(g, h, &root, to);
    heap_free(h);
    free(bytes);
  }
  if (wrong) wrong = free_and(wrong, message("`%s`: %s", path, wrong));
  free(path);
  return wrong;
}

static char *use_batch(gatherer *g, value_heap *h, const value *root, void *to) {
  (void)to;
  data_keys keys;
  note_entries(g->ds, root);
  char *wrong = find_keys(root, g->o, &keys);
  return wrong ? wrong : gather_part(g, h, &keys.part[0]);
}

/* The names end the data set, since they live only as long as their file's values. */
static char *use_names(gatherer *g, value_heap *h, const value *root, void *to) {
  (void)h;
  const char *key =
      g->o->labels && strcmp(g->o->labels, "coarse_labels") == 0 ? "coarse_label_names" : NULL;
  const value *names = key ? dict_find(root, key) : find_label_names(root);
  char *wrong = NULL;
  *(dataset **)to = gather_end(g, names, &wrong);
  return wrong;
}

static dataset *read_form(const cifar_form *form, const char *folder, const dataset_options *o,
                          char **error) {
  gatherer g;
  dataset *ds = NULL;
  int64_t held_from = 0;
  gather_begin(&g, o);
  *error = NULL;
  for (int i = 0; form->file[i] && !*error; i++) {
    held_from = g.ds->n;
    *error = with_file(&g, folder, form->file[i], use_batch, NULL);
  }
  if (*error) gather_abandon(&g);
  else if (holds(folder, form->names_file))
    *error = with_file(&g, folder, form->names_file, use_names, &ds);
  else ds = gather_end(&g, NULL, error);
  if (*error && g.ds && !ds) gather_abandon(&g);
  if (ds) ds->held_from = held_from;
  return ds;
}

dataset *cifar_open(const dataset_options *o, char **error) {
  char *folder;
  const cifar_form *form = find_form(o->path, &folder);
  if (!form) {
    *error = message("`%s` is a folder, and not one of CIFAR's python version (data_batch_1 ... "
                     "test_batch); of a folder of images, `netc pack` makes a data set",
                     o->path);
    return NULL;
  }
  dataset *ds = read_form(form, folder, o, error);
  free(folder);
  return ds;
}
