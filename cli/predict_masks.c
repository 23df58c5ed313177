#include "cli/predict_masks.h"
#include "cli/terminal.h"
#include "runtime/mask_image.h"
#include "runtime/message.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tells_masks(const graph *g) {
  if (g->n_input != 1 || g->input[0]->is_int || !g->n_target || !g->target[0]->is_int) return false;
  int64_t dim[MAX_RANK];
  const port *y = g->target[0];
  return shape_in_files(&g->input[0]->shape, false, dim) == 3 && (dim[0] == 1 || dim[0] == 3) &&
         shape_in_files(&y->shape, true, dim) == 2 && g->classes <= 256;
}

/* The likeliest class of every pixel, from logits of classes x pixels. */
static void likeliest(const float *logits, int classes, int64_t pixels, uint8_t *out) {
  for (int64_t i = 0; i < pixels; i++) {
    int best = 0;
    for (int k = 1; k < classes; k++)
      if (logits[k * pixels + i] > logits[best * pixels + i]) best = k;
    out[i] = (uint8_t)best;
  }
}

static const char *name_of(const predict_masks_options *o, int k, char buf[16]) {
  if (o->names && k < o->n_names) return o->names[k];
  snprintf(buf, 16, "%d", k);
  return buf;
}

/* Shares of the classes that there are. */
static void tell(const predict_masks_options *o, const char *path, const uint8_t *mask,
                 int64_t pixels, const char *written) {
  int64_t count[256] = {0};
  char number[16];
  json_object *j = json_object_new_object(), *shares = json_object_new_object();
  for (int64_t i = 0; i < pixels; i++) count[mask[i]]++;
  if (!o->list) printf("%s:", path);
  for (int k = 0, n = 0; k < 256; k++) {
    const double share = (double)count[k] / (double)pixels;
    if (!count[k]) continue;
    json_object_object_add(shares, name_of(o, k, number), json_object_new_double(share));
    if (!o->list) printf("%s %s %.1f%%", n++ ? "," : "", name_of(o, k, number), 100 * share);
  }
  if (!o->list) printf(written ? "; %s\n" : "%s\n", written ? written : "");
  json_object_object_add(j, "image", json_object_new_string(path));
  json_object_object_add(j, "shares", shares);
  if (written) json_object_object_add(j, "mask", json_object_new_string(written));
  if (o->list) json_object_array_add(o->list, j);
  else json_object_put(j);
}

/* "folder/NAME.png" of a picture's path; malloc'd. */
static char *mask_path(const char *folder, const char *picture) {
  const char *slash = strrchr(picture, '/'), *name = slash ? slash + 1 : picture,
             *dot = strrchr(name, '.');
  return message("%s/%.*s.png", folder, (int)(dot ? (size_t)(dot - name) : strlen(name)), name);
}

bool predict_mask(const graph *g, const predict_masks_options *o, inference *f, const char *path,
                  char **error) {
  int64_t dim[MAX_RANK];
  shape_in_files(&g->target[0]->shape, true, dim);
  const int64_t pixels = dim[0] * dim[1];
  run_args a = {.params = f->params, .work = f->b.work, .port = f->b.port};
  program_run(f->b.p, &a);
  uint8_t *mask = allocate((size_t)pixels);
  likeliest(f->b.port[program_port_of(f->b.p, PORT_PREDICTION, 0)], (int)g->classes, pixels, mask);
  char *written = o->folder ? mask_path(o->folder, path) : NULL;
  const bool ok = !written || mask_write(written, mask, (int)dim[1], (int)dim[0], error);
  if (ok) tell(o, path, mask, pixels, written);
  free(written);
  free(mask);
  return ok;
}
