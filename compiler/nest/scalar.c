/* What is known of scalar functions: scalar.def's table, and their values. */
#include "base/internal.h"
#include "expr.h"
#include <math.h>

enum { PLAIN, OWN, HIDDEN };
enum { HEAVY = 10 };

static const struct {
  const char *word;
  int arity, cost, how;
  const char *derivative[3];
} scalars[E_COUNT] = {
    [E_CONST] = {.word = "const"},           [E_INDEX] = {.word = "index", .cost = 1},
    [E_READ] = {.word = "read", .cost = 1},  [E_ACC] = {.word = "acc"},
    [E_RAND] = {.word = "rand", .cost = 20},
#define SCALAR(NAME, word, arity, cost, how, a, b, c)                                              \
  [E_##NAME] = {word, arity, cost, how, {a, b, c}},
#include "scalar.def"
#undef SCALAR
};

int scalar_arity(ekind k) { return scalars[k].arity; }
int scalar_cost(ekind k) { return scalars[k].cost; }
bool scalar_heavy(ekind k) { return scalars[k].cost >= HEAVY; }
const char *scalar_word(ekind k) { return scalars[k].word; }
bool scalar_elementary(ekind k) { return scalars[k].how == OWN; }

const char *scalar_derivative(ekind k, int argument) {
  const char *rule = scalars[k].derivative[argument];
  return *rule ? rule : NULL;
}

bool scalar_callable(ekind k) {
  char c = scalars[k].word[0];
  return k > E_RAND && scalars[k].how != HIDDEN && c >= 'a' && c <= 'z';
}

double scalar_value(ekind k, double a, double b, double c) {
  switch (k) {
  case E_ADD: return a + b;
  case E_SUB: return a - b;
  case E_MUL: return a * b;
  case E_DIV: return a / b;
  case E_NEG: return -a;
  case E_MAX: return a > b ? a : b;
  case E_MIN: return a < b ? a : b;
  case E_SQRT: return sqrt(a);
  case E_EXP: return exp(a);
  case E_LOG: return log(a);
  case E_TANH: return tanh(a);
  case E_EQ: return a == b;
  case E_NE: return a != b;
  case E_LT: return a < b;
  case E_LE: return a <= b;
  case E_GT: return a > b;
  case E_GE: return a >= b;
  case E_SELECT: return a != 0 ? b : c;
  case E_STOP:
  case E_ROUNDED: return a;
  case E_ABS: return fabs(a);
  case E_FLOOR: return floor(a);
  case E_SIN: return sin(a);
  case E_COS: return cos(a);
  case E_ERF: return erf(a);
  case E_SIGMOID: return 1 / (1 + exp(-a));
  default: internal_error(scalar_word(k), "has no value of its own");
  }
}
