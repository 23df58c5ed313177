#include "image_folder.h"
#include "file.h"
#include "image.h"
#include "message.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char **name;
  int64_t n;
} name_list;

static void add_name(name_list *l, char *name) {
  if ((l->n & (l->n - 1)) == 0) {
    l->name = realloc(l->name, (size_t)(l->n ? 2 * l->n : 1) * sizeof *l->name);
    if (!l->name) abort();
  }
  l->name[l->n++] = name;
}

static void free_list(name_list *l) {
  for (int64_t i = 0; i < l->n; i++) free(l->name[i]);
  free(l->name);
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a folder holds, sorted by name (by bytes, the same everywhere), without hidden entries. */
static bool list_folder(const char *folder, name_list *out, char **error) {
  *out = (name_list){0};
  DIR *d = opendir(folder);
  if (!d) {
    *error = message("`%s`: %s", folder, strerror(errno));
    return false;
  }
  for (struct dirent *e; (e = readdir(d));)
    if (*e->d_name != '.') add_name(out, copy_string(e->d_name, strlen(e->d_name)));
  closedir(d);
  if (out->n) qsort(out->name, (size_t)out->n, sizeof *out->name, by_bytes);
  return true;
}

static bool picture_name(const char *name) {
  static const char *const known[] = {".png", ".jpg", ".jpeg", ".webp"};
  const char *dot = strrchr(name, '.');
  for (int i = 0; dot && i < 4; i++)
    if (strcasecmp(dot, known[i]) == 0) return true;
  return false;
}

/* Python reads the names as UTF-8: no stray or missing continuation bytes. */
static bool is_utf8(const char *s) {
  const unsigned char *p = (const unsigned char *)s;
  while (*p) {
    int tail = *p < 0x80                 ? 0
               : *p >= 0xc2 && *p < 0xe0 ? 1
               : *p >= 0xe0 && *p < 0xf0 ? 2
               : *p >= 0xf0 && *p < 0xf5 ? 3
                                         : -1;
    if (tail < 0 || (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) ||
        (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] >= 0x90))
      return false;
    for (p++; tail > 0; tail--)
      if ((*p++ & 0xc0) != 0x80) return false;
  }
  return true;
}

/* All that is found before a picture is read. */
typedef struct {
  name_list classes, files; /* files as "class/file" */
  name_list empty;          /* folders without pictures */
  int32_t *label;
  name_list skipped;
} survey;

static void free_survey(survey *s) {
  free_list(&s->classes);
  free_list(&s->files);
  free_list(&s->empty);
  free_list(&s->skipped);
  free(s->label);
}

static char *survey_class(survey *s, const char *folder, const char *class) {
  char *path = path_join(folder, class), *error = NULL;
  name_list inside;
  int64_t before = s->files.n;
  if (!list_folder(path, &inside, &error)) return free_and(path, error);
  for (int64_t i = 0; i < inside.n; i++) {
    if (!picture_name(inside.name[i])) {
      add_name(&s->skipped, path_join(class, inside.name[i]));
      continue;
    }
    add_name(&s->files, path_join(class, inside.name[i]));
    if (!is_utf8(s->files.name[s->files.n - 1]))
      error = message("`%s`: the name of a file in it is not UTF-8; rename it", path);
  }
  if (!error && s->files.n > before) add_name(&s->classes, copy_string(class, strlen(class)));
  else if (!error) add_name(&s->empty, copy_string(class, strlen(class)));
  s->label = realloc(s->label, (size_t)(s->files.n + 1) * sizeof *s->label);
  if (!s->label) abort();
  for (int64_t i = before; i < s->files.n; i++) s->label[i] = (int32_t)(s->classes.n - 1);
  free_list(&inside);
  free(path);
  return error;
}

static char *survey_folder(survey *s, const char *folder) {
  name_list inside;
  char *error = NULL;
  if (!list_folder(folder, &inside, &error)) return error;
  for (int64_t i = 0; i < inside.n && !error; i++) {
    char *path = path_join(folder, inside.name[i]);
    if (is_directory(path)) error = survey_class(s, folder, inside.name[i]);
    else add_name(&s->skipped, copy_string(inside.name[i], strlen(inside.name[i])));
    free(path);
  }
  free_list(&inside);
  if (!error && !s->classes.n)
    error = message("`%s` holds no folders with PNG, JPEG or WebP files; one folder is one class",
                    folder);
  return error;
}

/* Puts picture i into its place; the first one sets the size where none is given. */
static char *place_picture(packed_images *p, int64_t i, const image *im, bool resize,
                           image_fitting fit) {
  if (!p->w) p->w = im->w, p->h = im->h;
  size_t bytes = (size_t)p->w * (size_t)p->h * 3;
  if (!p->rgb) p->rgb = calloc((size_t)p->n, bytes);
  if (!p->rgb)
    return message("%lld images of %dx%d do not fit in memory; choose a smaller size",
                   (long long)p->n, p->w, p->h);
  uint8_t *to = (uint8_t *)p->rgb + (size_t)i * bytes;
  if (im->w == p->w && im->h == p->h) memcpy(to, im->rgb, bytes);
  else if (resize) {
    image fitted = image_fit(im, p->w, p->h, fit);
    memcpy(to, fitted.rgb, bytes);
    image_free(&fitted);
  } else
    return message("`%s` is %dx%d and `%s` is %dx%d; give all one size, as in --size 32x32",
                   p->filenames[0], p->w, p->h, p->filenames[i], im->w, im->h);
  return NULL;
}

/* Begins anew where pictures of different sizes are only to be looked at. */
static bool start_again(packed_images *p, const image_folder_options *o, const image *im) {
  if (o->w || !o->for_a_look || !p->w || (im->w == p->w && im->h == p->h)) return false;
  free((void *)p->rgb);
  p->rgb = NULL;
  p->w = p->h = LOOK_SIDE;
  return true;
}

static char *read_pictures(packed_images *p, const char *folder, const image_folder_options *o,
                           bool *mixed) {
  bool resize = p->w > 0;
  char *error = NULL;
  for (int64_t i = 0; i < p->n && !error; i++) {
    char *path = path_join(folder, p->filenames[i]);
    image im;
    if (image_load(path, &im, &error)) {
      const bool again = !resize && start_again(p, o, &im);
      if (again) *mixed = resize = true, i = -1;
      else error = place_picture(p, i, &im, resize, o->fit);
      image_free(&im);
    }
    free(path);
    if (o->progress && i >= 0) o->progress(i + 1, p->n);
  }
  return error;
}

char **pictures_inside(const char *folder, int64_t *n) {
  name_list all, out = {0};
  char *error = NULL;
  *n = 0;
  if (!list_folder(folder, &all, &error)) {
    free(error);
    return NULL;
  }
  for (int64_t i = 0; i < all.n; i++)
    if (picture_name(all.name[i])) add_name(&out, path_join(folder, all.name[i]));
  free_list(&all);
  *n = out.n;
  return out.name;
}

image_folder *image_folder_read(const char *folder, const image_folder_options *o, char **error) {
  survey s = {0};
  *error = survey_folder(&s, folder);
  if (*error) {
    free_survey(&s);
    return NULL;
  }
  image_folder *f = allocate(sizeof *f);
  f->skipped = s.skipped.name;
  f->n_skipped = s.skipped.n;
  f->empty = s.empty.name;
  f->n_empty = s.empty.n;
  f->packed = (packed_images){.n = s.files.n,
                              .h = o->h,
                              .w = o->w,
                              .labels = s.label,
                              .classes = (int)s.classes.n,
                              .label_names = s.classes.name,
                              .filenames = s.files.name};
  *error = read_pictures(&f->packed, folder, o, &f->mixed);
  if (!*error) return f;
  image_folder_free(f);
  return NULL;
}

void image_folder_free(image_folder *f) {
  packed_images *p = &f->packed;
  free_list(&(name_list){(char **)p->label_names, p->classes});
  free_list(&(name_list){(char **)p->filenames, p->n});
  free_list(&(name_list){f->empty, f->n_empty});
  free_list(&(name_list){f->skipped, f->n_skipped});
  free((void *)p->labels);
  free((void *)p->rgb);
  free(f);
}

char *image_folder_left_out(const image_folder *f) {
  enum { NAMED = 5 };
  const long long n = (long long)f->n_skipped;
  if (!n) return NULL;
  char *text = message("%lld file%s left out, as no PNG, JPEG or WebP in a class's folder:", n,
                       n == 1 ? " was" : "s were");
  for (int64_t i = 0; i < n && i < NAMED; i++)
    text = free_and(text, message("%s%s `%s`", text, i ? "," : "", f->skipped[i]));
  if (n > NAMED) text = free_and(text, message("%s and %lld more", text, n - NAMED));
  return text;
}
