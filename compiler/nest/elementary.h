/* exp, sin and the like in single precision, as short programs of primitive steps. This is their
   one definition: the interpreter runs the steps, emit turns each into one instruction, so that
   every machine and every vector width computes the same bits. No tables, no branches. */
#ifndef NETC_ELEMENTARY_H
#define NETC_ELEMENTARY_H
#include "nest.h"

/* Registers 0..ELEM_REGS-1 hold a float or an int32; the argument comes in register 0. */
enum { ELEM_REGS = 16 };

typedef enum {
  M_CONST,  /* dst = k */
  M_ICONST, /* dst = i (int32) */
  M_ADD,
  M_SUB,
  M_MUL,
  M_DIV,     /* dst = a op b */
  M_FMA,     /* dst = a * b + c, rounded once */
  M_RINT,    /* dst = a rounded to the nearest whole number, ties to even */
  M_TOINT,   /* dst = (int32)a; a is always in range */
  M_TOFLOAT, /* dst = (float)a, a an int32 */
  M_BITS,    /* dst = the bits of float a as an int32 */
  M_FLOAT,   /* dst = the float with bits a */
  M_IADD,
  M_ISUB,
  M_IAND, /* on int32, wrapping */
  M_ISHL,
  M_ISHR, /* shift a by i; right shifts keep the sign */
  M_LT,   /* dst = a < b ? c : d, on floats (false if either is NaN); c, d floats or both int32 */
  M_NAN,  /* dst = a is NaN ? c : d */
  M_EXP   /* dst = exp(a), the program below */
} mop;

typedef struct {
  mop op;
  int dst, a, b, c, d;
  float k;
  int32_t i;
} mstep;

typedef struct {
  int n;
  const mstep *step;
  int result; /* register */
} mprogram;

/* The program of a function that scalar.def calls OWN; aborts for other kinds.
   Largest errors, in units in the last place: exp 1.01, log 0.79, tanh 1.4, erf 1, sigmoid 2.2,
   sin and cos 2.2 up to |x| = 8192 (and to 10^5 where multiply-adds are fused); floor is exact. */
const mprogram *elementary(ekind k);
/* Runs it. */
float elementary_eval(ekind k, float x);
/* The same on a machine with or without fused multiply-add (target.def). */
float elementary_eval_by(ekind k, float x, bool fma);
#endif
