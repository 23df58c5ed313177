/* The programs of the elementary functions, and a machine that runs them. */
#include "base/internal.h"
#include "elementary.h"
#include <math.h>
#include <string.h>

#define COUNT(x) ((int)(sizeof(x) / sizeof *(x)))
#define K(r, v) {M_CONST, .dst = r, .k = v}
#define I(r, v) {M_ICONST, .dst = r, .i = v}
#define OP(o, r, x, y) {o, .dst = r, .a = x, .b = y}
#define FMA(r, x, y, z) {M_FMA, .dst = r, .a = x, .b = y, .c = z}
#define UN(o, r, x) {o, .dst = r, .a = x}
#define SHIFT(o, r, x, n) {o, .dst = r, .a = x, .i = n}
#define LT(r, x, y, yes, no) {M_LT, .dst = r, .a = x, .b = y, .c = yes, .d = no}
#define NOT_A_NUMBER(r, x, yes, no) {M_NAN, .dst = r, .a = x, .c = yes, .d = no}

enum { X, P, N, R, T, U, V, W, E, F, S, Z, H, Q, A, B };

/* exp(x) = 2^n exp(r), n = rint(x / ln 2), |r| <= ln 2 / 2 (Cody and Waite); exp(r) by the
   polynomial of Cephes' expf. Beyond +89 and -104 the result has long been inf and 0. */
static const mstep exp_steps[] = {
    K(T, 89.0f),
    LT(R, X, T, X, T),
    K(T, -104.0f),
    LT(R, T, R, R, T),
    K(T, 0x1.715476p+0f),
    OP(M_MUL, N, R, T),
    UN(M_RINT, N, N),
    K(T, -0x1.62e430p-1f),
    FMA(R, N, T, R), /* -ln 2 in two parts */
    K(T, 0x1.05c610p-29f),
    FMA(R, N, T, R),
    K(P, 1.9875691500e-4f),
    K(T, 1.3981999507e-3f),
    FMA(P, P, R, T),
    K(T, 8.3334519073e-3f),
    FMA(P, P, R, T),
    K(T, 4.1665795894e-2f),
    FMA(P, P, R, T),
    K(T, 1.6666665459e-1f),
    FMA(P, P, R, T),
    K(T, 5.0000001201e-1f),
    FMA(P, P, R, T),
    OP(M_MUL, U, R, R),
    FMA(P, P, U, R),
    K(T, 1.0f),
    OP(M_ADD, P, P, T),
    /* times 2^n in two factors, so that neither leaves the range of a float */
    UN(M_TOINT, N, N),
    SHIFT(M_ISHR, U, N, 1),
    OP(M_ISUB, V, N, U),
    I(T, 127),
    OP(M_IADD, U, U, T),
    SHIFT(M_ISHL, U, U, 23),
    UN(M_FLOAT, U, U),
    OP(M_MUL, P, P, U),
    OP(M_IADD, V, V, T),
    SHIFT(M_ISHL, V, V, 23),
    UN(M_FLOAT, V, V),
    OP(M_MUL, P, P, V),
    NOT_A_NUMBER(P, X, X, P),
};

/* log(x) = k ln 2 + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) as in FreeBSD's e_logf.c,
   from s = f / (2 + f). Subnormal arguments are scaled first. */
static const mstep log_steps[] = {
    K(T, 0x1p-126f),
    K(U, 0x1p25f),
    OP(M_MUL, U, X, U),
    LT(Z, X, T, U, X),
    K(U, -25.0f),
    K(V, 0.0f),
    LT(E, X, T, U, V),
    UN(M_BITS, N, Z),
    I(T, 0x3f3504f3),
    OP(M_ISUB, U, N, T),
    SHIFT(M_ISHR, V, U, 23),
    UN(M_TOFLOAT, V, V),
    OP(M_ADD, E, E, V),
    I(W, 0x007fffff),
    OP(M_IAND, U, U, W),
    OP(M_IADD, U, U, T),
    UN(M_FLOAT, Z, U),
    K(T, 1.0f),
    OP(M_SUB, F, Z, T),
    K(T, 2.0f),
    OP(M_ADD, T, T, F),
    OP(M_DIV, S, F, T),
    OP(M_MUL, Z, S, S),
    OP(M_MUL, W, Z, Z),
    K(U, 0xf89e26.0p-26f),
    K(T, 0xccce13.0p-25f),
    FMA(U, W, U, T),
    OP(M_MUL, U, U, W),
    K(V, 0x91e9ee.0p-25f),
    K(T, 0xaaaaaa.0p-24f),
    FMA(V, W, V, T),
    FMA(R, Z, V, U),
    K(T, 0.5f),
    OP(M_MUL, H, T, F),
    OP(M_MUL, H, H, F),
    OP(M_ADD, R, R, H),
    K(T, 9.0580006145e-6f),
    OP(M_MUL, T, E, T),
    FMA(P, S, R, T),
    OP(M_SUB, P, P, H),
    OP(M_ADD, P, P, F),
    K(T, 6.9313812256e-1f),
    FMA(P, E, T, P),
    K(T, 0x1.fffffep127f),
    LT(P, T, X, X, P), /* log(inf) = inf */
    K(T, 0.0f),
    K(U, -INFINITY),
    LT(P, T, X, P, U),
    K(U, NAN),
    LT(P, X, T, U, P),
    NOT_A_NUMBER(P, X, X, P),
};

/* tanh(x): an odd polynomial (Cephes' tanhf) below 0.625, else 1 - 2 / (exp(2|x|) + 1). */
static const mstep tanh_steps[] = {
    K(V, 0.0f),
    OP(M_SUB, A, V, X),
    LT(A, X, V, A, X), /* |x| */
    OP(M_MUL, Z, X, X),
    K(P, -5.70498872745e-3f),
    K(T, 2.06390887954e-2f),
    FMA(P, P, Z, T),
    K(T, -5.37397155531e-2f),
    FMA(P, P, Z, T),
    K(T, 1.33314422036e-1f),
    FMA(P, P, Z, T),
    K(T, -3.33332819422e-1f),
    FMA(P, P, Z, T),
    OP(M_MUL, P, P, Z),
    FMA(P, P, X, X),
    OP(M_ADD, B, A, A),
    UN(M_EXP, E, B),
    K(T, 1.0f),
    OP(M_ADD, E, E, T),
    K(U, 2.0f),
    OP(M_DIV, E, U, E),
    OP(M_SUB, E, T, E),
    OP(M_SUB, U, V, E),
    LT(E, X, V, U, E),
    K(T, 0.625f),
    LT(P, A, T, P, E),
};

/* sin(x) and cos(x): x = n pi/2 + r, |r| <= pi/4, pi/2 in four parts of which the first three are
   short (Cody and Waite); both functions of r by the polynomials of Cephes' sinf and cosf, and then
   by n's last two bits that of x; a cosine is a sine one quarter turn later. Beyond 2^22 quarter
   turns a float does not tell an angle: the result is some number from -1 to 1. */
#define TURNED(quarter)                                                                            \
  K(T, 0x1.45f306p-1f), /* 2 / pi */                                                               \
      OP(M_MUL, N, X, T), UN(M_RINT, N, N), K(T, 0x1p22f), LT(N, N, T, N, T), K(T, -0x1p22f),      \
      LT(N, T, N, N, T), K(T, -0x1.92p0f), FMA(R, N, T, X), K(T, -0x1.fb4p-12f), FMA(R, N, T, R),  \
      K(T, -0x1.444p-24f), FMA(R, N, T, R), K(T, -0x1.68c234p-39f), FMA(R, N, T, R), K(T, 0.8f),   \
      LT(R, R, T, R, T), K(T, -0.8f), LT(R, T, R, R, T), OP(M_MUL, U, R, R),                       \
      K(P, -1.9515295891e-4f), K(T, 8.3321608736e-3f), FMA(P, P, U, T), K(T, -1.6666654611e-1f),   \
      FMA(P, P, U, T), OP(M_MUL, P, P, U), FMA(S, P, R, R), K(P, 2.443315711809948e-5f),           \
      K(T, -1.388731625493765e-3f), FMA(P, P, U, T), K(T, 4.166664568298827e-2f), FMA(P, P, U, T), \
      K(T, -0.5f), K(W, 1.0f), FMA(W, U, T, W), OP(M_MUL, V, U, U), FMA(Q, P, V, W),               \
      UN(M_TOINT, N, N), I(T, quarter), OP(M_IADD, N, N, T), I(T, 1), OP(M_IAND, T, N, T),         \
      UN(M_TOFLOAT, T, T), K(V, 0.5f), LT(P, V, T, Q, S), I(T, 2), OP(M_IAND, T, N, T),            \
      UN(M_TOFLOAT, T, T), K(W, 0.0f), OP(M_SUB, Z, W, P), LT(P, V, T, Z, P),                      \
      OP(M_SUB, T, X, X), /* an infinity has no angle */                                           \
      NOT_A_NUMBER(P, T, T, P)

static const mstep sin_steps[] = {TURNED(0)};
static const mstep cos_steps[] = {TURNED(1)};

/* sigmoid(x) = 1 / (1 + e) for x >= 0 and e / (1 + e) below, e = exp(-|x|), which cannot overflow.
 */
static const mstep sigmoid_steps[] = {
    K(V, 0.0f),         OP(M_SUB, A, V, X), LT(A, X, V, A, X), /* |x| */
    OP(M_SUB, B, V, A), UN(M_EXP, E, B),    K(T, 1.0f),
    OP(M_ADD, F, E, T), LT(P, X, V, E, T),  OP(M_DIV, P, P, F),
};

/* erf(x): minimax polynomials, in x below 475/512, and above it in 1 - exp(polynomial). */
static const mstep erf_steps[] = {
    K(V, 0.0f),
    OP(M_SUB, A, V, X),
    LT(A, X, V, A, X), /* |x| */
    OP(M_MUL, Z, X, X),
    K(R, -1.72853470e-5f),
    K(T, 3.83197126e-4f),
    FMA(R, R, A, T),
    K(U, -3.88396438e-3f),
    K(T, 2.42546219e-2f),
    FMA(U, U, A, T),
    FMA(R, R, Z, U),
    K(T, -1.06777877e-1f),
    FMA(R, R, A, T),
    K(T, -6.34846687e-1f),
    FMA(R, R, A, T),
    K(T, -1.28717512e-1f),
    FMA(R, R, A, T),
    OP(M_SUB, B, V, A),
    FMA(R, R, A, B),
    UN(M_EXP, E, R),
    K(T, 1.0f),
    OP(M_SUB, E, T, E),
    OP(M_SUB, F, V, E),
    LT(E, X, V, F, E),
    K(P, -5.96761703e-4f),
    K(T, 4.99119423e-3f),
    FMA(P, P, Z, T),
    K(T, -2.67681349e-2f),
    FMA(P, P, Z, T),
    K(T, 1.12819925e-1f),
    FMA(P, P, Z, T),
    K(T, -3.76125336e-1f),
    FMA(P, P, Z, T),
    K(T, 1.28379166e-1f),
    FMA(P, P, Z, T),
    FMA(P, P, X, X),
    K(T, 475.0f / 512),
    LT(P, T, A, E, P),
    NOT_A_NUMBER(P, X, X, P),
};

static const mstep floor_steps[] = {
    UN(M_RINT, N, X),
    K(T, 1.0f),
    OP(M_SUB, U, N, T),
    LT(P, X, N, U, N),
};

#define PROGRAM(steps) {COUNT(steps), steps, P}
static const mprogram programs[E_COUNT] = {
    [E_EXP] = PROGRAM(exp_steps),         [E_LOG] = PROGRAM(log_steps),
    [E_TANH] = PROGRAM(tanh_steps),       [E_SIN] = PROGRAM(sin_steps),
    [E_COS] = PROGRAM(cos_steps),         [E_ERF] = PROGRAM(erf_steps),
    [E_SIGMOID] = PROGRAM(sigmoid_steps), [E_FLOOR] = PROGRAM(floor_steps),
};

const mprogram *elementary(ekind k) {
  if (!programs[k].n) internal_error(scalar_word(k), "is no elementary function");
  return &programs[k];
}

typedef union {
  float f;
  int32_t i;
  uint32_t u;
} reg;

static reg step(const mstep *s, const reg *r, bool fma) {
  reg a = r[s->a], b = r[s->b], out = {0};
  switch (s->op) {
  case M_CONST: out.f = s->k; break;
  case M_ICONST: out.i = s->i; break;
  case M_ADD: out.f = a.f + b.f; break;
  case M_SUB: out.f = a.f - b.f; break;
  case M_MUL: out.f = a.f * b.f; break;
  case M_DIV: out.f = a.f / b.f; break;
  case M_FMA: out.f = fma ? fmaf(a.f, b.f, r[s->c].f) : a.f * b.f + r[s->c].f; break;
  case M_RINT: out.f = rintf(a.f); break;
  case M_TOINT: out.i = (int32_t)a.f; break;
  case M_TOFLOAT: out.f = (float)a.i; break;
  case M_BITS:
  case M_FLOAT: out = a; break;
  case M_IADD: out.u = a.u + b.u; break;
  case M_ISUB: out.u = a.u - b.u; break;
  case M_IAND: out.u = a.u & b.u; break;
  case M_ISHL: out.u = a.u << s->i; break;
  case M_ISHR: out.i = a.i >> s->i; break;
  case M_LT: out = a.f < b.f ? r[s->c] : r[s->d]; break;
  case M_NAN: out = isnan(a.f) ? r[s->c] : r[s->d]; break;
  case M_EXP: out.f = elementary_eval_by(E_EXP, a.f, fma); break;
  }
  return out;
}

float elementary_eval_by(ekind k, float x, bool fma) {
  const mprogram *p = elementary(k);
  reg r[ELEM_REGS] = {{.f = x}};
  for (int i = 0; i < p->n; i++) r[p->step[i].dst] = step(&p->step[i], r, fma);
  return r[p->result].f;
}

float elementary_eval(ekind k, float x) { return elementary_eval_by(k, x, true); }
