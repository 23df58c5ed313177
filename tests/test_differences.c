/* compare_derivative: right derivatives of smooth, bent and broken functions agree, wrong ones do
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "product/differences.h"
#include <math.h>

static comparison compare(double expected, double (*f)(void *, double)) {
  return compare_derivative(&(derivative){expected, 1e-7, 0}, f, NULL);
}

static double smooth(void *self, double h) { return (void)self, exp(sin(3 * h)) + 0 * h; }
/* Straight but for bends close to both sides of 0. */
static double bent(void *self, double h) {
  return (void)self, 2 * h + 5 * fmax(h - 1e-5, 0) + 7 * fmax(-h - 3e-6, 0);
}
/* A bend so close to one side that central differences never get there. */
static double bent_aside(void *self, double h) {
  return (void)self, h + h * h + 5 * fmax(h - 1e-9, 0);
}
static double corner(void *self, double h) { return (void)self, 3 + fabs(h) + h; }
static double pole(void *self, double h) { return (void)self, 1 / h; }
/* Nothing but its rounding. */
static double rough(void *self, double h) { return (void)self, 1e-3 * sin(1e12 * h); }

static void right_derivatives_agree(void **state) {
  (void)state;
  assert_true(compare(3, smooth).error < 1e-9);
  assert_true(compare(2, bent).error < 1e-8);
  assert_true(compare(1, bent_aside).error < 1e-8);
}

static void wrong_derivatives_do_not(void **state) {
  (void)state;
  static double (*const f[])(void *, double) = {smooth, bent, bent_aside};
  static const double right[] = {3, 2, 1};
  for (int i = 0; i < 3; i++)
    for (double by = 1e-5; by < 2; by *= 7) {
      comparison c = compare(right[i] * (1 + by), f[i]);
      assert_true(c.error > 1e-6 && c.error > c.resolution);
      assert_true(c.kink == (f[i] == bent_aside)); /* that near, it may be in the point itself */
    }
}

static void what_cannot_be_compared_is_told(void **state) {
  (void)state;
  assert_true(compare(0.5, corner).kink);
  assert_false(compare(3, smooth).kink);
  assert_true(compare(1, pole).infinite);
  assert_true(compare(NAN, smooth).infinite);
  comparison c = compare(1e-9, rough);
  assert_true(c.error <= c.resolution || c.error > 1e-6);
}

/* A loss of 4 to 5 that hardly depends on h, and only near 0: what its last place hides is not
   called wrong, and what it does not hide is. */
static double faint(void *self, double h) { return *(double *)self + 5.4e-8 * sin(200 * h) / 200; }

static comparison compare_faint(double loss, double expected) {
  return compare_derivative(&(derivative){expected, 1e-7, 4 * 0x1p-52}, faint, &loss);
}

static void the_last_place_of_the_loss_is_not_held_against_a_derivative(void **state) {
  (void)state;
  for (double loss = 4; loss < 5; loss += 0.000123) {
    comparison right = compare_faint(loss, 5.4e-8), wrong = compare_faint(loss, 5.4e-8 * 1.02);
    assert_true(right.error < 1e-6 || right.error <= right.resolution);
    assert_true(wrong.error > 1e-6 && wrong.error > wrong.resolution);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_derivatives_agree), cmocka_unit_test(wrong_derivatives_do_not),
      cmocka_unit_test(what_cannot_be_compared_is_told),
      cmocka_unit_test(the_last_place_of_the_loss_is_not_held_against_a_derivative)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
