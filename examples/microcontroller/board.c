/* A Cortex-M4F or M7 board as QEMU has them (mps2-an386, mps2-an500): vectors, reset, and output
   through semihosting. On a real board, a serial port would take the place of say(). */
#include "board.h"

extern uint32_t stack_top, data_from, data_start, data_end, bss_start, bss_end;
int main(void);

static uint32_t semihosting(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void say(const char *text) { semihosting(0x04, text); }

static void say_number(uint32_t n) {
  char text[11], *p = text + sizeof text - 1;
  *p = 0;
  do *--p = (char)('0' + n % 10);
  while (n /= 10);
  say(p);
}

void board_print(const char *a, uint32_t n, const char *b, uint32_t m) {
  say(a);
  say_number(n);
  say(b);
  say_number(m);
  say("\n");
}

/* The one function of libm that objects for the M4 call (the M7 has an instruction for it). */
float rintf(float x) {
  union {
    float value;
    uint32_t bits;
  } r = {x}, sign = {x};
  sign.bits &= 0x80000000u;
  r.bits &= 0x7fffffffu;
  if (!(r.value < 0x1p23f)) return x;
  r.value = (r.value + 0x1p23f) - 0x1p23f;
  r.bits |= sign.bits;
  return r.value;
}

__attribute__((noreturn)) static void stop(uint32_t reason) {
  semihosting(0x18, (const void *)(uintptr_t)reason);
  for (;;);
}

static void fault(void) { stop(0x20023); } /* "run time error": a failing exit status */

__attribute__((noreturn)) void reset(void) {
  *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* the floating-point unit, on */
  __asm__ volatile("dsb\n isb");
  for (uint32_t *to = &data_start, *from = &data_from; to < &data_end;) *to++ = *from++;
  for (volatile uint32_t *p = &bss_start; p < &bss_end; p++) *p = 0;
  main();
  stop(0x20026); /* "application exit" */
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top,    (void *)reset, (void *)fault, (void *)fault,
    (void *)fault, (void *)fault, (void *)fault};
