/* The small matrices of convolutions in tiles, and expressions multiplied by them. */
#include "tile_math.h"
#include "base/internal.h"
#include "nest/algebra.h"
#include <string.h>

/* Points that keep the rounding error lowest: for tiles of 4 about twice that of the plain sum,
   where the customary 0, +-1, +-2 give four times (measured; docs/design.md). In pairs +-p, which
   share sums. */
static const double points4[] = {0, 1, -1}, points6[] = {0, 0.75, -0.75, 1.5, -1.5};

typedef struct {
  int rows, cols;
  double at[MAX_ALPHA][MAX_ALPHA];
} matrix;

static const double *points_of(int alpha) { return alpha == 4 ? points4 : points6; }

/* The product of x - p over all finite points but one (or all: but = -1), by powers of x. */
static void polynomial(const double *p, int n, int but, double *coefficient) {
  int degree = 0;
  memset(coefficient, 0, sizeof(double) * MAX_ALPHA);
  coefficient[0] = 1;
  for (int k = 0; k < n; k++) {
    if (k == but) continue;
    degree++;
    for (int d = degree; d >= 0; d--)
      coefficient[d] = (d ? coefficient[d - 1] : 0) - p[k] * coefficient[d];
  }
}

static double power(double x, int n) { return n ? x * power(x, n - 1) : 1; }

/* B': alpha x alpha. */
static matrix of_data(int alpha) {
  matrix m = {alpha, alpha, {{0}}};
  for (int i = 0; i < alpha; i++)
    polynomial(points_of(alpha), alpha - 1, i < alpha - 1 ? i : -1, m.at[i]);
  return m;
}

/* G: alpha x taps. */
static matrix of_kernel(int alpha, int taps) {
  const double *p = points_of(alpha);
  matrix m = {alpha, taps, {{0}}};
  for (int i = 0; i < alpha - 1; i++) {
    double n = 1;
    for (int k = 0; k < alpha - 1; k++) n *= k == i ? 1 : p[i] - p[k];
    for (int j = 0; j < taps; j++) m.at[i][j] = power(p[i], j) / n;
  }
  m.at[alpha - 1][taps - 1] = 1;
  return m;
}

/* A': outputs x alpha. */
static matrix of_inverse(int alpha, int outputs) {
  matrix m = {outputs, alpha, {{0}}};
  for (int j = 0; j < outputs; j++)
    for (int i = 0; i < alpha - 1; i++) m.at[j][i] = power(points_of(alpha)[i], j);
  m.at[outputs - 1][alpha - 1] = 1;
  return m;
}

/* --- a matrix times expressions --- */

static expr *scaled(exprs *g, double c, expr *x) {
  return alg_op(g, E_MUL, x, e_const(g, c), NULL);
}

/* The sum of row r's terms; with `like` only of columns where row `like` has the same sign (same),
   or the opposite one. NULL for an empty sum. */
static expr *dot(exprs *g, const matrix *m, int r, int like, bool same, expr **in) {
  expr *sum = NULL;
  for (int c = 0; c < m->cols; c++) {
    double k = m->at[r][c];
    if (k == 0 || (like >= 0 && (k == m->at[like][c]) != same)) continue;
    if (!sum) sum = scaled(g, k, in[c]);
    else if (k < 0) sum = alg_op(g, E_SUB, sum, scaled(g, -k, in[c]), NULL);
    else sum = alg_op(g, E_ADD, sum, scaled(g, k, in[c]), NULL);
  }
  return sum;
}

/* Rows of points p and -p agree but for signs: their even and their odd part are computed once. */
static bool mirrored_rows(const matrix *m, int r, int q) {
  bool odd = false, even = false;
  for (int c = 0; c < m->cols; c++) {
    double x = m->at[r][c], y = m->at[q][c];
    if (x != y && x != -y) return false;
    if (x != 0) odd |= x == -y, even |= x == y;
  }
  return odd && even;
}

static bool mirrored_columns(const matrix *m, int c, int d) {
  bool odd = false, even = false;
  for (int r = 0; r < m->rows; r++) {
    double x = m->at[r][c], y = m->at[r][d];
    if (x != y && x != -y) return false;
    if (x != 0) odd |= x == -y, even |= x == y;
  }
  return odd && even;
}

/* Turns mirrored columns x, y into x + y and x - y, each used by half of the rows. */
static void pair_columns(exprs *g, matrix *m, expr **in) {
  for (int c = 0; c + 1 < m->cols; c++) {
    int d = c + 1;
    if (!mirrored_columns(m, c, d)) continue;
    expr *sum = alg_op(g, E_ADD, in[c], in[d], NULL), *rest = alg_op(g, E_SUB, in[c], in[d], NULL);
    for (int r = 0; r < m->rows; r++) m->at[r][m->at[r][c] == m->at[r][d] ? d : c] = 0;
    in[c] = sum;
    in[d] = rest;
    for (int r = 0; r < m->rows; r++) /* what stands in column d was -(column c): keep c's sign */
      if (m->at[r][d] != 0) m->at[r][d] = -m->at[r][d];
    c++;
  }
}

static void multiply(exprs *g, matrix m, expr *const *given, expr **out) {
  expr *in[MAX_ALPHA];
  bool done[MAX_ALPHA] = {false};
  memcpy(in, given, sizeof(expr *) * (size_t)m.cols);
  pair_columns(g, &m, in);
  for (int r = 0; r < m.rows; r++) {
    if (done[r]) continue;
    int q = r + 1;
    while (q < m.rows && !mirrored_rows(&m, r, q)) q++;
    if (q == m.rows) {
      out[r] = dot(g, &m, r, -1, false, in);
      continue;
    }
    expr *even = dot(g, &m, r, q, true, in), *odd = dot(g, &m, r, q, false, in);
    out[r] = alg_op(g, E_ADD, even, odd, NULL);
    out[q] = alg_op(g, E_SUB, even, odd, NULL);
    done[q] = true;
  }
}

/* v, of extent m.cols along each of n dimensions, becomes one of extent m.rows. */
static void multiply_all(exprs *g, const matrix *m, int n, expr **v) {
  expr *in[MAX_ALPHA], *out[MAX_ALPHA], *next[MAX_TRANSFORMED];
  int before = 1, after = 1; /* products of the extents on either side of the dimension */
  for (int d = 1; d < n; d++) after *= m->cols;
  for (int d = 0; d < n; d++) {
    for (int b = 0; b < before; b++)
      for (int a = 0; a < after; a++) {
        for (int c = 0; c < m->cols; c++) in[c] = v[(b * m->cols + c) * after + a];
        multiply(g, *m, in, out);
        for (int r = 0; r < m->rows; r++) next[(b * m->rows + r) * after + a] = out[r];
      }
    before *= m->rows;
    memcpy(v, next, sizeof(expr *) * (size_t)(before * after));
    after /= m->cols;
  }
}

/* --- a product once, for all tiles of its shape --- */

/* The steps of a product: what stands for its inputs, and operations on the steps before. */
typedef struct {
  ekind kind;
  int a[3];       /* steps */
  int input;      /* number of the input that it is, or -1 */
  expr *constant; /* if it is one, else NULL */
} tile_step;

struct tile_product {
  tile_product *next;
  tile_matrix matrix;
  int alpha, length, n_dim;
  int n_step, n_out;
  tile_step *step;
  expr **to; /* what the steps have become in the product at hand */
  int out[MAX_TRANSFORMED];
};

static matrix matrix_of(tile_matrix m, int alpha, int length) {
  switch (m) {
  case TILE_DATA: return of_data(alpha);
  case TILE_KERNEL: return of_kernel(alpha, length);
  case TILE_INVERSE: return of_inverse(alpha, length);
  }
  internal_error("winograd", "there is no such matrix");
}

static int input_number(expr *const *in, int n, expr *e) {
  for (int i = 0; i < n; i++)
    if (in[i] == e) return i;
  return -1;
}

static tile_step step_of(const walk *w, expr *e, expr *const *in, int n_in) {
  tile_step s = {.kind = e->kind, .input = input_number(in, n_in, e)};
  if (e->kind == E_CONST) s.constant = e;
  for (int i = 0; s.input < 0 && i < scalar_arity(e->kind); i++) s.a[i] = walk_place(w, e->a[i]);
  return s;
}

/* Multiplies, and notes the steps. */
static void note_product(exprs *x, tile_product *p, expr **v) {
  matrix m = matrix_of(p->matrix, p->alpha, p->length);
  int n_in = power_of(m.cols, p->n_dim);
  expr *in[MAX_TRANSFORMED];
  memcpy(in, v, sizeof *in * (size_t)n_in);
  multiply_all(x, &m, p->n_dim, v);
  p->n_out = power_of(m.rows, p->n_dim);
  walk *w = walk_begin(x);
  for (int i = 0; i < p->n_out; i++) walk_add(w, v[i]);
  for (int i = 0; i < w->n; i++) {
    tile_step s = step_of(w, w->node[i], in, n_in);
    PUSH(exprs_arena(x), p->step, p->n_step, s);
  }
  for (int i = 0; i < p->n_out; i++) p->out[i] = walk_place(w, v[i]);
  p->to = NEW_N(exprs_arena(x), expr *, p->n_step);
  walk_end(x, w);
}

static void repeat_product(exprs *x, const tile_product *p, expr **v) {
  expr **to = p->to;
  for (int i = 0; i < p->n_step; i++) {
    const tile_step *s = &p->step[i];
    if (s->input >= 0) to[i] = v[s->input];
    else if (s->constant) to[i] = s->constant;
    else to[i] = e_op(x, s->kind, to[s->a[0]], to[s->a[1]], to[s->a[2]]);
  }
  for (int i = 0; i < p->n_out; i++) v[i] = to[p->out[i]];
}

void tile_multiply(exprs *x, tile_product **known, tile_matrix m, int alpha, int length, int n_dim,
                   expr **v) {
  tile_product *p = *known;
  while (p && (p->matrix != m || p->alpha != alpha || p->length != length || p->n_dim != n_dim))
    p = p->next;
  if (p) {
    repeat_product(x, p, v);
    return;
  }
  p = NEW(exprs_arena(x), tile_product);
  *p =
      (tile_product){.next = *known, .matrix = m, .alpha = alpha, .length = length, .n_dim = n_dim};
  *known = p;
  note_product(x, p, v);
}
