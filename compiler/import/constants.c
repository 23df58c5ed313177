/* Constant folding, element by element: what exporters leave in models of shapes, masks, positions
   and the like. Dimensions are broadcast as ONNX does it; an open batch counts as one sample. */
#include "constants.h"
#include <math.h>
#include <string.h>

enum { FOLD_LARGEST = 1 << 28 };

static const constant *in_const(const onnx_node *n, int i) {
  return i < n->n_in && n->in[i] ? n->in[i]->k : NULL;
}

static double element(const constant *k, int64_t i) {
  return k->f ? (double)k->f[i] : (double)k->i[i];
}

static bool set_element(constant *k, int64_t i, double v) {
  if (k->f) k->f[i] = (float)v;
  else if (fabs(v) < 9e15) k->i[i] = (int64_t)v;
  else return false;
  return true;
}

static void copy_element(constant *to, int64_t i, const constant *from, int64_t j) {
  if (to->f) to->f[i] = (float)element(from, j);
  else to->i[i] = from->i ? from->i[j] : (int64_t)from->f[j];
}

/* --- shapes --- */

static bool small_enough(int rank, const int64_t *dim) {
  double n = 1;
  for (int i = 0; i < rank; i++) {
    if (dim[i] < 0) return false;
    n *= (double)dim[i];
  }
  return rank <= MODEL_RANK && n <= FOLD_LARGEST;
}

/* The elements of k as one reads them in other dimensions: what a step along each costs. */
static void broadcast_steps(const constant *k, int rank, int64_t step[MODEL_RANK]) {
  int64_t s = 1;
  for (int i = rank - 1; i >= 0; i--) {
    int from = i - rank + k->rank;
    step[i] = from < 0 || k->dim[from] == 1 ? 0 : s;
    if (from >= 0) s *= k->dim[from];
  }
}

static int64_t place(const int64_t at[MODEL_RANK], const int64_t step[MODEL_RANK], int rank) {
  int64_t where = 0;
  for (int i = 0; i < rank; i++) where += at[i] * step[i];
  return where;
}

static void next_place(int64_t at[MODEL_RANK], const constant *k) {
  for (int i = k->rank - 1; i >= 0; i--) {
    if (++at[i] < k->dim[i]) return;
    at[i] = 0;
  }
}

/* The dimensions of two or three together; false: they do not go together. */
static bool common_dims(const constant *const *k, int n, int *rank, int64_t dim[MODEL_RANK]) {
  *rank = 0;
  for (int j = 0; j < n; j++) *rank = k[j]->rank > *rank ? k[j]->rank : *rank;
  for (int i = 0; i < *rank; i++) {
    dim[i] = 1;
    for (int j = 0; j < n; j++) {
      int from = i - *rank + k[j]->rank;
      int64_t d = from < 0 ? 1 : k[j]->dim[from];
      if (d != 1 && dim[i] != 1 && d != dim[i]) return false;
      if (d != 1) dim[i] = d;
    }
  }
  return small_enough(*rank, dim);
}

/* --- arithmetic --- */

typedef enum { A_NUMBER, A_TRUTH } answer;
typedef struct {
  const char *type;
  answer gives;
  double (*f)(double, double);
} binary_function;

static double f_add(double a, double b) { return a + b; }
static double f_sub(double a, double b) { return a - b; }
static double f_mul(double a, double b) { return a * b; }
static double f_div(double a, double b) { return a / b; }
static double f_mod(double a, double b) { return a - floor(a / b) * b; }
static double f_equal(double a, double b) { return a == b; }
static double f_less(double a, double b) { return a < b; }
static double f_greater(double a, double b) { return a > b; }
static double f_at_most(double a, double b) { return a <= b; }
static double f_at_least(double a, double b) { return a >= b; }
static double f_and(double a, double b) { return a != 0 && b != 0; }
static double f_or(double a, double b) { return a != 0 || b != 0; }
static double f_xor(double a, double b) { return (a != 0) != (b != 0); }

static const binary_function binaries[] = {
    {"Add", A_NUMBER, f_add},        {"Sub", A_NUMBER, f_sub},
    {"Mul", A_NUMBER, f_mul},        {"Div", A_NUMBER, f_div},
    {"Mod", A_NUMBER, f_mod},        {"Pow", A_NUMBER, pow},
    {"Max", A_NUMBER, fmax},         {"Min", A_NUMBER, fmin},
    {"Equal", A_TRUTH, f_equal},     {"Less", A_TRUTH, f_less},
    {"Greater", A_TRUTH, f_greater}, {"LessOrEqual", A_TRUTH, f_at_most},
    {"And", A_TRUTH, f_and},         {"GreaterOrEqual", A_TRUTH, f_at_least},
    {"Or", A_TRUTH, f_or},           {"Xor", A_TRUTH, f_xor},
};

/* Of open batches only products are known, and what they are compared with. */
static bool open_result(const binary_function *f, int64_t a, int64_t b, int64_t *v) {
  if (f->gives == A_TRUTH) return *v = (int64_t)f->f((double)a, (double)b), true;
  int64_t x = is_open(a) ? a : b, y = is_open(a) ? b : a;
  if (is_open(y) || y < 1) return false;
  if (f->f == f_mul) return *v = open_times(x, y), true;
  if (f->f != f_div || !is_open(a) || known_part(a) % b) return false;
  return *v = open_times(ANY_BATCH, known_part(a) / b), true;
}

static bool binary_element(const binary_function *f, const constant *a, int64_t i,
                           const constant *b, int64_t j, constant *c, int64_t to) {
  if (a->i && b->i && c->i && (is_open(a->i[i]) || is_open(b->i[j])))
    return open_result(f, a->i[i], b->i[j], &c->i[to]);
  double x = element(a, i), y = element(b, j);
  if ((f->f == f_div || f->f == f_mod) && y == 0 && !c->f) return false;
  double v = f->f(x, y);
  return set_element(c, to, f->f == f_div && !c->f ? trunc(v) : v);
}

static const constant *fold_binary(importer *im, const onnx_node *n) {
  const constant *k[2] = {in_const(n, 0), in_const(n, 1)};
  const binary_function *f = binaries;
  int64_t dim[MODEL_RANK], at[MODEL_RANK] = {0}, step[2][MODEL_RANK];
  int rank;
  while (strcmp(f->type, n->type)) f++;
  if (n->n_in != 2 || !k[0] || !k[1] || !common_dims(k, 2, &rank, dim)) return NULL;
  bool floats = k[0]->f != NULL && f->gives == A_NUMBER;
  constant *c = constant_new(im->a, floats, rank, dim);
  for (int j = 0; j < 2; j++) broadcast_steps(k[j], rank, step[j]);
  for (int64_t i = 0; i < c->n; i++, next_place(at, c))
    if (!binary_element(f, k[0], place(at, step[0], rank), k[1], place(at, step[1], rank), c, i))
      return NULL;
  return c;
}

static double f_neg(double a) { return -a; }
static double f_not(double a) { return a == 0; }
static double f_reciprocal(double a) { return 1 / a; }
static double f_sigmoid(double a) { return 1 / (1 + exp(-a)); }
static double f_softplus(double a) { return log1p(exp(a)); }
static double f_sign(double a) { return (a > 0) - (a < 0); }

static const struct {
  const char *type;
  double (*f)(double);
} unaries[] = {
    {"Neg", f_neg}, {"Not", f_not},         {"Sqrt", sqrt},   {"Reciprocal", f_reciprocal},
    {"Exp", exp},   {"Log", log},           {"Abs", fabs},    {"Floor", floor},
    {"Ceil", ceil}, {"Sin", sin},           {"Cos", cos},     {"Tanh", tanh},
    {"Erf", erf},   {"Sigmoid", f_sigmoid}, {"Sign", f_sign}, {"Softplus", f_softplus}};

static const constant *fold_unary(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0);
  size_t f = 0;
  while (strcmp(unaries[f].type, n->type)) f++;
  if (n->n_in != 1 || !k) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, k->rank, k->dim);
  for (int64_t i = 0; i < c->n; i++)
    if (!set_element(c, i, unaries[f].f(element(k, i)))) return NULL;
  return c;
}

static const constant *fold_where(importer *im, const onnx_node *n) {
  const constant *k[3] = {in_const(n, 0), in_const(n, 1), in_const(n, 2)};
  int64_t dim[MODEL_RANK], at[MODEL_RANK] = {0}, step[3][MODEL_RANK];
  int rank;
  if (!k[0] || !k[1] || !k[2] || !k[0]->i || !common_dims(k, 3, &rank, dim)) return NULL;
  constant *c = constant_new(im->a, k[1]->f != NULL, rank, dim);
  for (int j = 0; j < 3; j++) broadcast_steps(k[j], rank, step[j]);
  for (int64_t i = 0; i < c->n; i++, next_place(at, c)) {
    int from = k[0]->i[place(at, step[0], rank)] ? 1 : 2;
    copy_element(c, i, k[from], place(at, step[from], rank));
  }
  return c;
}

static const constant *fold_range(importer *im, const onnx_node *n) {
  const constant *from = in_const(n, 0), *to = in_const(n, 1), *by = in_const(n, 2);
  if (!from || !to || !by || from->n != 1 || to->n != 1 || by->n != 1) return NULL;
  double a = element(from, 0), b = element(to, 0), d = element(by, 0);
  double count = d != 0 ? ceil((b - a) / d) : -1;
  const int64_t size = count > 0 && count <= FOLD_LARGEST ? (int64_t)count : 0;
  if (count > FOLD_LARGEST || d == 0 || is_open((int64_t)a) || is_open((int64_t)b)) return NULL;
  constant *c = constant_new(im->a, from->f != NULL, 1, &size);
  for (int64_t i = 0; i < size; i++) set_element(c, i, a + (double)i * d);
  return c;
}

/* --- moving elements --- */

static int axis_in(double axis, int rank) {
  if (axis < 0) axis += rank;
  return axis >= 0 && axis < rank ? (int)axis : -1;
}

static int64_t product(const int64_t *dim, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= dim[i];
  return n;
}

static const constant *fold_gather(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0), *at = in_const(n, 1);
  int64_t dim[2 * MODEL_RANK];
  int rank = 0;
  if (!k || !at || !at->i) return NULL;
  int axis = axis_in(attr_number(n, "axis", 0), k->rank);
  if (axis < 0 || k->rank - 1 + at->rank > MODEL_RANK) return NULL;
  for (int i = 0; i < axis; i++) dim[rank++] = k->dim[i];
  for (int i = 0; i < at->rank; i++) dim[rank++] = at->dim[i];
  for (int i = axis + 1; i < k->rank; i++) dim[rank++] = k->dim[i];
  if (!small_enough(rank, dim)) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, rank, dim);
  int64_t inner = product(k->dim, axis + 1, k->rank), size = k->dim[axis];
  for (int64_t i = 0; i < c->n; i++) {
    int64_t j = at->i[i / inner % at->n];
    if (j < 0) j += size;
    if (j < 0 || j >= size) return NULL;
    copy_element(c, i, k, (i / (inner * at->n) * size + j) * inner + i % inner);
  }
  return c;
}

/* Number i of a list that is an attribute or an input. */
static bool listed(const onnx_node *n, int at, const char *name, int64_t i, int64_t *v) {
  const attribute *a = node_attr(n, name);
  const constant *k = in_const(n, at);
  if (a && a->kind == ATTR_LIST && i < a->n) *v = (int64_t)a->list[i];
  else if (k && k->i && i < k->n) *v = k->i[i];
  else return false;
  return true;
}

static int64_t within(int64_t v, int64_t least, int64_t most) {
  return v < least ? least : v > most ? most : v;
}

/* from, step and count of each dimension's part. */
static bool slice_parts(const onnx_node *n, const constant *k, int64_t from[MODEL_RANK],
                        int64_t step[MODEL_RANK], int64_t dim[MODEL_RANK]) {
  int64_t a, b;
  for (int i = 0; i < k->rank; i++) from[i] = 0, step[i] = 1, dim[i] = k->dim[i];
  for (int64_t i = 0; listed(n, 1, "starts", i, &a); i++) {
    int64_t axis = i, by = 1;
    if (!listed(n, 2, "ends", i, &b)) return false;
    listed(n, 3, "axes", i, &axis);
    listed(n, 4, "steps", i, &by);
    int at = axis_in((double)axis, k->rank);
    if (at < 0 || by == 0) return false;
    int64_t size = k->dim[at], last = by > 0 ? size : size - 1;
    a = within(a < 0 ? a + size : a, 0, last);
    b = within(b < 0 ? b + size : b, by > 0 ? 0 : -1, last);
    from[at] = a, step[at] = by;
    dim[at] = by > 0 ? (b > a ? (b - a + by - 1) / by : 0) : (a > b ? (a - b - by - 1) / -by : 0);
  }
  return true;
}

static const constant *fold_slice(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0);
  int64_t from[MODEL_RANK], by[MODEL_RANK], dim[MODEL_RANK], at[MODEL_RANK] = {0};
  if (!k || !slice_parts(n, k, from, by, dim)) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, k->rank, dim);
  for (int64_t i = 0; i < c->n; i++, next_place(at, c)) {
    int64_t where = 0;
    for (int d = 0; d < k->rank; d++) where = where * k->dim[d] + from[d] + at[d] * by[d];
    copy_element(c, i, k, where);
  }
  return c;
}

static const constant *fold_concat(importer *im, const onnx_node *n) {
  const constant *first = in_const(n, 0);
  int64_t dim[MODEL_RANK], before = 0;
  if (!first) return NULL;
  int axis = axis_in(attr_number(n, "axis", 0), first->rank);
  if (axis < 0) return NULL;
  memcpy(dim, first->dim, sizeof dim);
  for (int i = 1; i < n->n_in; i++) {
    const constant *k = in_const(n, i);
    if (!k || k->rank != first->rank || (k->f != NULL) != (first->f != NULL)) return NULL;
    for (int d = 0; d < k->rank; d++)
      if (d != axis && k->dim[d] != first->dim[d]) return NULL;
    dim[axis] += k->dim[axis];
  }
  if (!small_enough(first->rank, dim)) return NULL;
  constant *c = constant_new(im->a, first->f != NULL, first->rank, dim);
  int64_t inner = product(dim, axis + 1, first->rank);
  for (int i = 0; i < n->n_in; i++) {
    const constant *k = n->in[i]->k;
    int64_t row = k->dim[axis] * inner;
    for (int64_t j = 0; j < k->n; j++)
      copy_element(c, j / row * dim[axis] * inner + before * inner + j % row, k, j);
    before += k->dim[axis];
  }
  return c;
}

static const constant *fold_expand(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0), *to = in_const(n, 1);
  int64_t dim[MODEL_RANK], at[MODEL_RANK] = {0}, step[MODEL_RANK];
  if (!k || !to || !to->i || to->n > MODEL_RANK) return NULL;
  int rank = to->n > k->rank ? (int)to->n : k->rank;
  for (int i = 0; i < rank; i++) {
    int f = i - rank + k->rank, t = i - rank + (int)to->n;
    int64_t d = f < 0 ? 1 : k->dim[f], want = t < 0 || is_open(to->i[t]) ? 1 : to->i[t];
    if (want < 1 || (d != 1 && want != 1 && want != d)) return NULL;
    dim[i] = d == 1 ? want : d;
  }
  if (!small_enough(rank, dim)) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, rank, dim);
  broadcast_steps(k, rank, step);
  for (int64_t i = 0; i < c->n; i++, next_place(at, c))
    copy_element(c, i, k, place(at, step, rank));
  return c;
}

static const constant *fold_tile(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0), *times = in_const(n, 1);
  int64_t dim[MODEL_RANK], at[MODEL_RANK] = {0};
  if (!k || !times || !times->i || times->n != k->rank) return NULL;
  for (int i = 0; i < k->rank; i++)
    dim[i] = k->dim[i] * (is_open(times->i[i]) ? 1 : within(times->i[i], 0, FOLD_LARGEST));
  if (!small_enough(k->rank, dim)) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, k->rank, dim);
  for (int64_t i = 0; i < c->n; i++, next_place(at, c)) {
    int64_t where = 0;
    for (int d = 0; d < k->rank; d++) where = where * k->dim[d] + at[d] % k->dim[d];
    copy_element(c, i, k, where);
  }
  return c;
}

static const constant *fold_trilu(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0), *by = in_const(n, 1);
  int64_t shift = by && by->i && by->n == 1 ? by->i[0] : 0;
  bool upper = attr_number(n, "upper", 1) != 0;
  if (!k || k->rank < 2) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, k->rank, k->dim);
  int64_t w = k->dim[k->rank - 1], h = k->dim[k->rank - 2];
  for (int64_t i = 0; i < c->n; i++) {
    int64_t col = i % w, row = i / w % h;
    if (upper ? col - row >= shift : col - row <= shift) copy_element(c, i, k, i);
  }
  return c;
}

/* Of vectors. */
static const constant *fold_reduce(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0);
  const int64_t one = 1;
  const char *what = n->type + strlen("Reduce");
  if (!k || k->rank != 1 || !k->n) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, attr_number(n, "keepdims", 1) != 0, &one);
  double v = element(k, 0);
  for (int64_t i = 1; i < k->n; i++) {
    double e = element(k, i);
    v = !strcmp(what, "Prod")  ? v * e
        : !strcmp(what, "Sum") ? v + e
        : !strcmp(what, "Max") ? fmax(v, e)
                               : fmin(v, e);
  }
  return set_element(c, 0, v) ? c : NULL;
}

static const constant *fold_cumsum(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0), *at = in_const(n, 1);
  if (!k || !at || at->n != 1 || n->n_attr) return NULL;
  int axis = axis_in(element(at, 0), k->rank);
  if (axis < 0) return NULL;
  constant *c = constant_new(im->a, k->f != NULL, k->rank, k->dim);
  int64_t inner = product(k->dim, axis + 1, k->rank);
  for (int64_t i = 0; i < c->n; i++) {
    bool first = i / inner % k->dim[axis] == 0;
    set_element(c, i, element(k, i) + (first ? 0 : element(c, i - inner)));
  }
  return c;
}

/* Matrices, whose leading dimensions are equal or of one of them ones. */
static const constant *fold_matmul(importer *im, const onnx_node *n) {
  const constant *a = in_const(n, 0), *b = in_const(n, 1);
  if (!a || !b || a->rank < 2 || b->rank != a->rank) return NULL;
  int r = a->rank;
  int64_t rows = a->dim[r - 2], inner = a->dim[r - 1], cols = b->dim[r - 1], dim[MODEL_RANK];
  if (b->dim[r - 2] != inner) return NULL;
  memcpy(dim, a->dim, sizeof dim);
  for (int i = 0; i < r - 2; i++)
    if (a->dim[i] != b->dim[i]) return NULL;
  dim[r - 1] = cols;
  if (!small_enough(r, dim)) return NULL;
  constant *c = constant_new(im->a, a->f != NULL, r, dim);
  for (int64_t i = 0; i < c->n; i++) {
    int64_t col = i % cols, row = i / cols % rows, m = i / cols / rows;
    double v = 0;
    for (int64_t k = 0; k < inner; k++)
      v += element(a, (m * rows + row) * inner + k) * element(b, (m * inner + k) * cols + col);
    set_element(c, i, v);
  }
  return c;
}

static const constant *fold_cast(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0);
  int to = (int)attr_number(n, "to", 0);
  if (!k) return NULL;
  bool floats = to == 1 || to == 10 || to == 11 || to == 16, truth = to == 9;
  constant *c = constant_new(im->a, floats, k->rank, k->dim);
  for (int64_t i = 0; i < c->n; i++)
    if (truth) c->i[i] = element(k, i) != 0;
    else copy_element(c, i, k, i);
  return c;
}

static const struct {
  const char *type;
  const constant *(*fold)(importer *, const onnx_node *);
} folds[] = {{"Gather", fold_gather},    {"Slice", fold_slice},      {"Concat", fold_concat},
             {"Expand", fold_expand},    {"Tile", fold_tile},        {"Trilu", fold_trilu},
             {"Cast", fold_cast},        {"Range", fold_range},      {"Where", fold_where},
             {"CumSum", fold_cumsum},    {"MatMul", fold_matmul},    {"ReduceProd", fold_reduce},
             {"ReduceSum", fold_reduce}, {"ReduceMax", fold_reduce}, {"ReduceMin", fold_reduce}};

constant_fold find_fold(const char *type) {
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    if (!strcmp(folds[i].type, type)) return folds[i].fold;
  for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
    if (!strcmp(binaries[i].type, type)) return fold_binary;
  for (size_t i = 0; i < sizeof unaries / sizeof *unaries; i++)
    if (!strcmp(unaries[i].type, type)) return fold_unary;
  return NULL;
}
