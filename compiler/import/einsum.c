/* Einsum of two tensors: their dimensions in the order in which a product of matrices has them. */
#include "axes.h"
#include <string.h>

/* Letters of "ab,bc->ac". */
typedef struct {
  char in[2][MODEL_RANK + 1], out[MODEL_RANK + 1];
} equation;

static bool take_letters(const char **at, char to[MODEL_RANK + 1]) {
  int n = 0;
  for (; **at && **at != ',' && **at != '-'; (*at)++) {
    if (**at == ' ') continue;
    bool letter = (**at >= 'a' && **at <= 'z') || (**at >= 'A' && **at <= 'Z');
    if (!letter || n == MODEL_RANK || memchr(to, **at, (size_t)n)) return false;
    to[n++] = **at;
  }
  to[n] = 0;
  return true;
}

static bool read_equation(const char *text, equation *e) {
  if (!take_letters(&text, e->in[0]) || *text++ != ',') return false;
  if (!take_letters(&text, e->in[1]) || *text++ != '-' || *text++ != '>') return false;
  return take_letters(&text, e->out) && !*text;
}

/* The letters of `from`, in its order, that are (or not) in `a` and in `b`. */
static void letters(const char *from, const char *a, bool in_a, const char *b, bool in_b,
                    char *to) {
  for (; *from; from++)
    if ((strchr(a, *from) != NULL) == in_a && (strchr(b, *from) != NULL) == in_b) {
      size_t n = strlen(to);
      to[n] = *from, to[n + 1] = 0;
    }
}

/* A value with the dimensions of `have` in the order of `want`. */
static value *ordered(importer *im, value *v, const char *have, const char *want) {
  int perm[MODEL_RANK];
  value *to = model_new_value(im->m, v->name);
  for (int i = 0; want[i]; i++) perm[i] = (int)(strchr(have, want[i]) - have);
  give_transposed(im, to, v, perm);
  return to;
}

/* As MatMul has it: what both keep, then rows times columns. One letter of each. */
static bool matrix_order(const equation *e, char a[], char b[], char y[]) {
  char inner[MODEL_RANK + 1] = "", rows[MODEL_RANK + 1] = "", columns[MODEL_RANK + 1] = "";
  letters(e->out, e->in[0], true, e->in[1], true, y);
  letters(e->in[0], e->in[1], true, e->out, false, inner);
  letters(e->in[0], e->in[1], false, e->out, true, rows);
  letters(e->in[1], e->in[0], false, e->out, true, columns);
  if (strlen(inner) != 1 || strlen(rows) != 1 || strlen(columns) != 1) return false;
  strcat(strcat(strcpy(a, y), rows), inner);
  strcat(strcat(strcpy(b, y), inner), columns);
  strcat(strcat(y, rows), columns);
  return strlen(a) == strlen(e->in[0]) && strlen(b) == strlen(e->in[1]) &&
         strlen(y) == strlen(e->out);
}

static bool is_tensor(const value *v, const char *dims) {
  return v && !v->k && v->has_dims && (v->layer || v->of) && v->rank == (int)strlen(dims);
}

onnx_node *normal_einsum(importer *im, onnx_node *n) {
  const attribute *how = node_attr(n, "equation");
  equation e;
  char a[2 * MODEL_RANK] = "", b[2 * MODEL_RANK] = "", y[2 * MODEL_RANK] = "";
  if (match_layer(im, n)) return NULL;
  const char *why = im->why;
  if (n->n_in != 2 || !how || how->kind != ATTR_TEXT || !read_equation(how->text, &e) ||
      !matrix_order(&e, a, b, y) || !is_tensor(n->in[0], e.in[0]) || !is_tensor(n->in[1], e.in[1]))
    return im->why = why, n;
  onnx_node *c = model_new_node(im->m, n, "MatMul", 2);
  c->in[0] = ordered(im, n->in[0], e.in[0], a);
  c->in[1] = ordered(im, n->in[1], e.in[1], b);
  value *r = c->out[0];
  r->has_dims = true;
  r->rank = n->in[0]->rank;
  memcpy(r->dim, c->in[0]->dim, sizeof r->dim);
  r->dim[r->rank - 1] = c->in[1]->dim[r->rank - 1];
  onnx_node *m = normal_matmul(im, c);
  if (!m || m->reason || !match_layer(im, m)) return im->why = why, n;
  value *last = ordered(im, r, y, e.out);
  static const int same[MODEL_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  give_transposed(im, n->out[0], last, same);
  return NULL;
}
