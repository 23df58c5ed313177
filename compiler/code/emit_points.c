/* The points of a tile: one for every element, or vector of elements, that it makes. */
#include "emit_parts.h"

int width_at(em *e, const point *p) { return e->vec < 0 ? 1 : e->chunk[p->chunk].width; }

void set_vector(em *e, int axis, int64_t extent, int64_t unit) {
  e->vec = axis;
  e->n_chunk = 0;
  for (int64_t at = 0; axis >= 0 && at < extent;) {
    int64_t w = unit ? unit : e->t->lanes;
    while (w > extent - at) w /= 2;
    PUSH(e->mem, e->chunk, e->n_chunk, ((chunk){at, (int)w}));
    at += w;
  }
}

static void next_points(em *e, int ax, bool reduce, point *p, point_list *out) {
  while (ax < e->n->n_axis && e->n->axis[ax].reduce != reduce) ax++;
  if (ax == e->n->n_axis) {
    PUSH(e->mem, out->at, out->n, *p);
    return;
  }
  bool vec = ax == e->vec;
  int64_t count = vec ? e->n_chunk : e->tile[ax];
  for (int64_t i = 0; i < count; i++) {
    p->off[ax] = vec ? e->chunk[i].at : i;
    if (vec) p->chunk = (int)i;
    next_points(e, ax + 1, reduce, p, out);
  }
  p->off[ax] = 0;
}

point_list list_points(em *e, bool reduce) {
  point p = {0};
  point_list out = {0};
  next_points(e, 0, reduce, &p, &out);
  return out;
}

void list_outputs(em *e) {
  point_list out = list_points(e, false);
  e->n_point = out.n;
  e->points = out.at;
  e->acc = NEW_N(e->mem, LLVMValueRef, out.n);
}

point join_points(const em *e, const point *out, const point *red) {
  point p = *out;
  for (int a = 0; a < e->n->n_axis; a++)
    if (e->n->axis[a].reduce) p.off[a] = red->off[a];
  if (e->n->lanes) p.chunk = red->chunk;
  return p;
}
