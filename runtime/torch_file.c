#include "torch_file.h"
#include "message.h"
#include "pickle.h"
#include "pickle_build.h"
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { MOST_KEY = 64 }; /* letters of a storage's name, which is a number */

typedef struct {
  zip_t *zip;
  value_heap *heap;
  const char *folder; /* of the archive's entries: "archive/" */
  size_t room;        /* bytes that may still be read: a file cannot ask for many times its size */
  safetensors *s;
  char *wrong;
} reading;

static const struct {
  const char *name;
  st_type type;
  size_t bytes;
} kinds[] = {{"FloatStorage", ST_F32, 4},   {"DoubleStorage", ST_F64, 8},
             {"HalfStorage", ST_F16, 2},    {"BFloat16Storage", ST_BF16, 2},
             {"LongStorage", ST_I64, 8},    {"IntStorage", ST_OTHER, 4},
             {"ShortStorage", ST_OTHER, 2}, {"CharStorage", ST_OTHER, 1},
             {"ByteStorage", ST_OTHER, 1},  {"BoolStorage", ST_OTHER, 1}};

/* How files before 1.6 begin. */
static const uint8_t old_format[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc,
                                     0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8};

static bool is_zip(const void *bytes, size_t n) { return n >= 4 && !memcmp(bytes, "PK\3\4", 4); }

static bool is_old(const void *bytes, size_t n) {
  return n >= sizeof old_format && !memcmp(bytes, old_format, sizeof old_format);
}

bool torch_file_begins(const void *bytes, size_t n) { return is_zip(bytes, n) || is_old(bytes, n); }

static bool wrong(reading *r, char *sentence) {
  if (r->wrong) free(sentence);
  else r->wrong = sentence;
  return false;
}

/* --- entries of the archive --- */

/* All of an entry, malloc'd; NULL: r->wrong says why. */
static uint8_t *unpack(reading *r, const char *name, size_t *n) {
  zip_stat_t entry;
  zip_int64_t at = zip_name_locate(r->zip, name, 0);
  bool known = at >= 0 && !zip_stat_index(r->zip, (zip_uint64_t)at, 0, &entry);
  if (!known || !(entry.valid & ZIP_STAT_SIZE))
    return wrong(r, message("it has no entry `%.100s`", name)), NULL;
  if (entry.size > r->room) return wrong(r, message("its tensors are larger than the file")), NULL;
  r->room -= entry.size;
  uint8_t *bytes = allocate(entry.size + 1);
  zip_file_t *f = zip_fopen_index(r->zip, (zip_uint64_t)at, 0);
  bool whole = f && zip_fread(f, bytes, entry.size) == (zip_int64_t)entry.size;
  if (f && zip_fclose(f) != 0) whole = false;
  *n = entry.size;
  if (whole) return bytes;
  free(bytes);
  return wrong(r, message("entry `%.100s` cannot be unpacked", name)), NULL;
}

/* The folder in which `data.pkl` lies, with its slash; NULL: there is none. */
static const char *find_folder(reading *r) {
  static const char pickle[] = "data.pkl";
  for (zip_int64_t i = 0; i < zip_get_num_entries(r->zip, 0) && i < 20; i++) {
    const char *name = zip_get_name(r->zip, (zip_uint64_t)i, 0);
    size_t n = name ? strlen(name) : 0, tail = sizeof pickle - 1;
    if (n > tail && !strcmp(name + n - tail, pickle) && name[n - tail - 1] == '/')
      return arena_strndup(r->heap->mem, name, n - tail);
  }
  return NULL;
}

static const char *entry_name(reading *r, const value_string *key) {
  return arena_printf(r->heap->mem, "%s%s%.*s", r->folder, "data/", (int)key->n, key->p);
}

/* --- tensors --- */

static bool is_tuple(const value *v, size_t least) {
  return v->kind == VAL_TUPLE && v->seq->n >= least;
}

/* ("storage", class, key, place, elements), offset, size, stride: what a tensor is rebuilt from. */
static bool is_tensor(const value *v) {
  if (!is_tuple(v, 4) || !is_tuple(&v->seq->item[0], 5)) return false;
  const value *s = v->seq->item[0].seq->item;
  return string_is(&s[0], "storage") && storage_name(&s[1]) && is_string(&s[2]) &&
         s[2].s->n < MOST_KEY && v->seq->item[1].kind == VAL_INT && is_tuple(&v->seq->item[2], 0) &&
         is_tuple(&v->seq->item[3], 0) && v->seq->item[2].seq->n == v->seq->item[3].seq->n;
}

static bool take_extents(reading *r, const value *v, st_tensor *t, int64_t stride[ST_MAX_RANK]) {
  const value_seq *size = v->seq->item[2].seq, *steps = v->seq->item[3].seq;
  if (size->n > ST_MAX_RANK) return wrong(r, message("has more than %d dimensions", ST_MAX_RANK));
  t->rank = (int)size->n;
  t->count = 1;
  for (int i = 0; i < t->rank; i++) {
    const value *d = &size->item[i], *by = &steps->item[i];
    if (d->kind != VAL_INT || by->kind != VAL_INT || d->i < 0 || by->i < 0 ||
        __builtin_mul_overflow(t->count, d->i, &t->count))
      return wrong(r, message("has an impossible shape"));
    t->shape[i] = d->i, stride[i] = by->i;
  }
  return true;
}

/* Is every element inside of a storage of so many? */
static bool inside(const st_tensor *t, const int64_t *stride, int64_t offset, int64_t room) {
  int64_t last = offset, way;
  if (offset < 0 || t->count > room) return false;
  for (int i = 0; i < t->rank && t->count; i++)
    if (__builtin_mul_overflow(t->shape[i] - 1, stride[i], &way) ||
        __builtin_add_overflow(last, way, &last))
      return false;
  return !t->count || last < room;
}

/* Elements in the order of their indices, whatever the order in the storage. */
static void gather(const st_tensor *t, const int64_t *stride, const uint8_t *from, size_t size,
                   uint8_t *to) {
  int64_t at[ST_MAX_RANK] = {0};
  for (int64_t i = 0, place = 0; i < t->count; i++) {
    memcpy(to + (size_t)i * size, from + (size_t)place * size, size);
    for (int d = t->rank - 1; d >= 0; d--) {
      place += stride[d];
      if (++at[d] < t->shape[d]) break;
      place -= stride[d] * t->shape[d];
      at[d] = 0;
    }
  }
}

static bool read_tensor(reading *r, const value *v, st_tensor *t) {
  const value *storage = v->seq->item[0].seq->item;
  int64_t stride[ST_MAX_RANK], offset = v->seq->item[1].i;
  size_t n = 0, size = 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].name, storage_name(&storage[1])))
      t->type = kinds[i].type, size = kinds[i].bytes;
  if (!size) return wrong(r, message("is of a type that netc does not read"));
  if (!take_extents(r, v, t, stride)) return false;
  uint8_t *bytes = unpack(r, entry_name(r, storage[2].s), &n), *own = NULL;
  if (bytes && !inside(t, stride, offset, (int64_t)(n / size)))
    wrong(r, message("lies outside of its storage"));
  if (bytes && !r->wrong) own = heap_alloc(r->heap, (size_t)t->count * size + 1);
  if (own) gather(t, stride, bytes + (size_t)offset * size, size, own);
  t->data = own, t->bytes = (size_t)t->count * size;
  free(bytes);
  return own || wrong(r, message("takes too much memory"));
}

/* --- the dictionary --- */

static bool holds_tensors(const value *v) {
  for (size_t i = 1; v && v->kind == VAL_DICT && i < v->seq->n; i += 2)
    if (is_tensor(&v->seq->item[i])) return true;
  return false;
}

/* The state_dict: the dictionary itself, or a part of a checkpoint. */
static const value *find_weights(const value *top) {
  static const char *const keys[] = {"state_dict", "model_state_dict", "model",
                                     "net",        "weights",          "module"};
  if (holds_tensors(top)) return top;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (holds_tensors(dict_find(top, keys[i]))) return dict_find(top, keys[i]);
  return NULL;
}

/* What wrappers put before every name. */
static size_t prefix_of(const value_seq *d) {
  static const char *const prefixes[] = {"module.", "_orig_mod."};
  for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
    size_t n = strlen(prefixes[k]), i = 0;
    while (i < d->n && is_string(&d->item[i]) && d->item[i].s->n > n &&
           !memcmp(d->item[i].s->p, prefixes[k], n))
      i += 2;
    if (i >= d->n) return n;
  }
  return 0;
}

static bool read_tensors(reading *r, const value *weights) {
  const value_seq *d = weights->seq;
  size_t skip = prefix_of(d);
  r->s->tensor = allocate((d->n / 2 + 1) * sizeof *r->s->tensor);
  for (size_t i = 0; i + 1 < d->n; i += 2) {
    if (!is_string(&d->item[i]) || !is_tensor(&d->item[i + 1])) continue;
    const value_string *key = d->item[i].s;
    st_tensor *t = &r->s->tensor[r->s->n];
    t->name = arena_strndup(r->heap->mem, key->p + skip, key->n - skip);
    if (!read_tensor(r, &d->item[i + 1], t)) {
      char *why = r->wrong;
      r->wrong = message("tensor `%.100s` %s", t->name, why);
      free(why);
      return false;
    }
    r->s->n++;
  }
  return true;
}

static bool read_archive(reading *r) {
  size_t n = 0;
  value top;
  char *why = NULL;
  r->folder = find_folder(r);
  if (!r->folder) return wrong(r, message("it is an archive of something else"));
  uint8_t *pickle = unpack(r, arena_printf(r->heap->mem, "%sdata.pkl", r->folder), &n);
  if (!pickle) return false;
  bool ok = pickle_read_tensors(r->heap, pickle, n, &top, &why);
  const value *weights = ok ? find_weights(&top) : NULL;
  if (!ok) wrong(r, why);
  else if (!weights)
    wrong(r, message("it holds no dictionary of tensors; save torch.save(model.state_dict(), "
                     "FILE)"));
  ok = weights && read_tensors(r, weights);
  free(pickle);
  return ok;
}

safetensors *torch_file_parse(const void *bytes, size_t n, const char *shown, char **error) {
  zip_error_t why;
  reading r = {.heap = heap_new(pickle_budget(n) + 8 * n), .room = 4 * n};
  r.s = allocate(sizeof *r.s);
  r.s->heap = r.heap;
  zip_error_init(&why);
  zip_source_t *source = is_zip(bytes, n) ? zip_source_buffer_create(bytes, n, 0, &why) : NULL;
  r.zip = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
  if (is_old(bytes, n))
    wrong(&r, message("it is of the format before PyTorch 1.6; load it there and save it again"));
  else if (!r.zip) wrong(&r, message("it is damaged or cut short"));
  bool ok = r.zip && read_archive(&r);
  if (r.zip) zip_discard(r.zip);
  else if (source) zip_source_free(source);
  zip_error_fini(&why);
  if (ok) return r.s;
  *error = message("`%s` holds no weights that netc reads: %s", shown, r.wrong);
  free(r.wrong);
  safetensors_free(r.s);
  return NULL;
}
