#include "pickle_write.h"
#include "atomic_file.h"
#include "pickle_opcodes.h"
#include <stdio.h>
#include <string.h>

/* A little-endian number of `width` bytes. */
static void put_number(FILE *f, uint64_t v, int width) {
  for (int i = 0; i < width; i++) putc((int)(v >> (8 * i) & 255), f);
}

static void put_text(FILE *f, const char *s) {
  size_t n = strlen(s);
  putc(OP_BINUNICODE, f);
  put_number(f, n, 4);
  fwrite(s, 1, n, f);
}

static void put_int(FILE *f, int64_t v) {
  putc(OP_LONG1, f);
  putc(8, f);
  put_number(f, (uint64_t)v, 8);
}

static void put_class(FILE *f, const char *module, const char *name) {
  fprintf(f, "%c%s\n%s\n", OP_GLOBAL, module, name);
}

static void put_strings(FILE *f, char *const *s, int64_t n) {
  putc(OP_EMPTY_LIST, f);
  putc(OP_MARK, f);
  for (int64_t i = 0; i < n; i++) put_text(f, s[i]);
  putc(OP_APPENDS, f);
}

/* numpy.dtype(name, False, True) with its state. */
static void put_dtype(FILE *f, const char *name, const char *order) {
  put_class(f, "numpy", "dtype");
  put_text(f, name);
  putc(OP_NEWFALSE, f);
  putc(OP_NEWTRUE, f);
  putc(OP_TUPLE3, f);
  putc(OP_REDUCE, f);
  putc(OP_MARK, f);
  put_int(f, 3);
  put_text(f, order);
  for (int i = 0; i < 3; i++) putc(OP_NONE, f);
  put_int(f, -1);
  put_int(f, -1);
  put_int(f, 0);
  putc(OP_TUPLE, f);
  putc(OP_BUILD, f);
}

/* Everything of an array up to its contents, `bytes` long, which the caller writes next. The name
   is that of NumPy 1, which NumPy 2 reads too. */
static void begin_array(FILE *f, const char *type, const char *order, const int64_t *shape,
                        int n_dim, uint64_t bytes) {
  put_class(f, "numpy.core.multiarray", "_reconstruct");
  put_class(f, "numpy", "ndarray");
  put_int(f, 0);
  putc(OP_TUPLE1, f);
  fprintf(f, "%c%cb", OP_SHORT_BINBYTES, 1);
  putc(OP_TUPLE3, f);
  putc(OP_REDUCE, f);
  putc(OP_MARK, f);
  put_int(f, 1);
  putc(OP_MARK, f);
  for (int i = 0; i < n_dim; i++) put_int(f, shape[i]);
  putc(OP_TUPLE, f);
  put_dtype(f, type, order);
  putc(OP_NEWFALSE, f);
  putc(OP_BINBYTES8, f);
  put_number(f, bytes, 8);
}

static void end_array(FILE *f) {
  putc(OP_TUPLE, f);
  putc(OP_BUILD, f);
}

static void put_images(FILE *f, const packed_images *p) {
  const int64_t shape[] = {p->n, p->h, p->w, 3};
  size_t bytes = (size_t)p->n * (size_t)p->h * (size_t)p->w * 3;
  begin_array(f, "u1", "|", shape, 4, bytes);
  fwrite(p->rgb, 1, bytes, f);
  end_array(f);
}

static void put_labels(FILE *f, const packed_images *p) {
  begin_array(f, "i8", "<", &p->n, 1, (uint64_t)p->n * 8);
  for (int64_t i = 0; i < p->n; i++) put_number(f, (uint64_t)p->labels[i], 8);
  end_array(f);
}

bool pickle_write(const char *path, const packed_images *p, char **error) {
  atomic_file to;
  if (!atomic_open(&to, path, error)) return false;
  FILE *f = to.f;
  putc(OP_PROTO, f);
  putc(4, f);
  putc(OP_EMPTY_DICT, f);
  putc(OP_MARK, f);
  put_text(f, "data");
  put_images(f, p);
  put_text(f, "labels");
  put_labels(f, p);
  put_text(f, "label_names");
  put_strings(f, p->label_names, p->classes);
  put_text(f, "filenames");
  put_strings(f, p->filenames, p->n);
  putc(OP_SETITEMS, f);
  putc(OP_STOP, f);
  return atomic_commit(&to, error);
}
