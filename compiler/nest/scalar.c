/* What is known of scalar functions: scalar.def's table, and their values. */
#include "expr.h"
#include <math.h>
#include <stdlib.h>

static const struct {
  const char *word;
  int arity;
} scalars[E_COUNT] = {
    [E_CONST] = {"const", 0}, [E_INDEX] = {"index", 0}, [E_READ] = {"read", 0},
    [E_ACC] = {"acc", 0},     [E_RAND] = {"rand", 0},   [E_BOTH] = {"both", 2},
#define SCALAR(NAME, word, arity) [E_##NAME] = {word, arity},
#include "scalar.def"
#undef SCALAR
};

int scalar_arity(ekind k) { return scalars[k].arity; }
const char *scalar_word(ekind k) { return scalars[k].word; }

bool scalar_callable(ekind k) {
  char c = scalars[k].word[0];
  return k > E_BOTH && k != E_ROUNDED && c >= 'a' && c <= 'z';
}

bool scalar_elementary(ekind k) { return k == E_EXP || k == E_LOG || k == E_TANH; }

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
  default: abort();
  }
}
