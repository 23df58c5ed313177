/* The programs of exp, log and tanh, and a machine that runs them. */
#include "elementary.h"
#include <math.h>
#include <stdlib.h>
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

static const mprogram exp_program = {COUNT(exp_steps), exp_steps, P};
static const mprogram log_program = {COUNT(log_steps), log_steps, P};
static const mprogram tanh_program = {COUNT(tanh_steps), tanh_steps, P};

const mprogram *elementary(ekind k) {
  switch (k) {
  case E_EXP: return &exp_program;
  case E_LOG: return &log_program;
  case E_TANH: return &tanh_program;
  default: abort();
  }
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
