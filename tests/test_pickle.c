/* The unpickler on hostile and damaged bytes: one sentence for each, nothing run, little memory. */
#include "runtime/message.h"
#include "runtime/pickle.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/* The error for these bytes, or NULL where they are a pickle. Copied, so that a sanitizer sees any
   read beyond them. */
static char *error_of(const void *bytes, size_t n) {
  uint8_t *copy = allocate(n);
  memcpy(copy, bytes, n);
  value_heap *h = heap_new(pickle_budget(n));
  value v;
  char *error = NULL;
  bool ok = pickle_read(h, copy, n, &v, &error);
  assert_true(ok == !error);
  assert_true(h->used <= pickle_budget(n));
  heap_free(h);
  free(copy);
  return error;
}

static void refused(const void *bytes, size_t n, const char *part) {
  char *error = error_of(bytes, n);
  assert_non_null(error);
  if (!strstr(error, part)) fail_msg("`%s` does not say `%s`", error, part);
  assert_null(strchr(error, '\n'));
  free(error);
}
#define REFUSED(literal, part) refused(literal, sizeof(literal) - 1, part)

/* The bytes of a pickle that is read without an error, and the value's description. */
static void accepted(const void *bytes, size_t n, const char *description) {
  value_heap *h = heap_new(pickle_budget(n));
  value v;
  char *error = NULL;
  if (!pickle_read(h, bytes, n, &v, &error)) fail_msg("%s", error);
  char *what = value_describe(&v);
  assert_string_equal(what, description);
  free(what);
  heap_free(h);
}
#define ACCEPTED(literal, description) accepted(literal, sizeof(literal) - 1, description)

static void refuses_code(void **state) {
  (void)state;
  char mark[] = "/tmp/netc-test-XXXXXX", pickle[256];
  int fd = mkstemp(mark);
  assert_true(fd >= 0);
  close(fd);
  unlink(mark);
  static const char *const call[] = {"os\nsystem",     "posix\nsystem",     "subprocess\nPopen",
                                     "builtins\neval", "__builtin__\nexec", "nt\nsystem"};
  for (size_t i = 0; i < sizeof call / sizeof *call; i++) {
    int n = snprintf(pickle, sizeof pickle, "c%s\n(S'touch %s'\ntR.", call[i], mark);
    char name[64];
    snprintf(name, sizeof name, "`%s`", call[i]);
    *strchr(name, '\n') = '.';
    refused(pickle, (size_t)n, name);
    refused(pickle, (size_t)n, "byte 0");
  }
  assert_int_equal(access(mark, F_OK), -1);
  REFUSED("\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R.",
          "`posix.system`");
  REFUSED("(S'true'\nios\nsystem\n.", "opcode 0x69");
  REFUSED("\x80\x02(cbuiltins\nset\no.", "opcode 0x6f");
  REFUSED("\x80\x02"
          "cbuiltins\nset\n)\x81.",
          "opcode 0x81");
  REFUSED("ctorch._utils\n_rebuild_tensor_v2\n.", "`torch._utils._rebuild_tensor_v2`");
  REFUSED("cnumpy\nload\n.", "`numpy.load`");
  REFUSED("c_codecs\ndecode\n.", "`_codecs.decode`");
  REFUSED("c\x1b[2Jevil\n\x07\n.", "`?[2Jevil.?`"); /* no control characters on the terminal */
  REFUSED("Pone\n.", "persistent id");
  REFUSED("NQ.", "persistent id");
  REFUSED("\x80\x05\x97.", "buffers outside");
  REFUSED("\x80\x02\x82\x01.", "extension registry");
  REFUSED("]N]R.", "netc runs nothing");
  REFUSED("]}b.", "state");
}

static void refuses_damage(void **state) {
  (void)state;
  REFUSED("", "empty");
  REFUSED("hello, I am no pickle", "");
  REFUSED("\xff\xfe", "not a pickle");
  REFUSED("\x80\x09.", "protocol 9");
  REFUSED(".", "0 values");
  REFUSED("NN.", "2 values");
  REFUSED("(.", "damaged");
  REFUSED("0.", "too few values");
  REFUSED("(N(ta.", "");
  REFUSED("t.", "no mark");
  REFUSED("1.", "no mark");
  REFUSED("(Nd.", "key but no value");
  REFUSED("N(Nu.", "container");
  REFUSED("]NNs.", "container");
  REFUSED("h\x05.", "never stored");
  REFUSED("Nr\xff\xff\xff\x7f.", "memo entry 2147483647");
  REFUSED("Np99999999999999999999\n.", "memo entry");
  REFUSED("I12x\n.", "number");
  REFUSED("Fabc\n.", "number");
  REFUSED("S'abc\n.", "quotes");
  REFUSED("S'a\\q'\n.", "escape");
  REFUSED("S'a\\'\n.", "escape");
  REFUSED("V\\u12\n.", "escape");
  REFUSED("V\\U7fffffff\n.", "escape");
  REFUSED("NN\x93.", "without a name");
  REFUSED("cnumpy\nndarray\n)R.", "damaged");
  REFUSED("cnumpy\ndtype\n(S'x9'\ntR.", "element type");
  REFUSED("c_codecs\nencode\n(V\\u1234\nS'latin1'\ntR.", "encoded string");
  REFUSED("c_codecs\nencode\n(Vx\nS'utf8'\ntR.", "latin1");
}

static void refuses_huge_counts(void **state) {
  (void)state;
  REFUSED("T\xff\xff\xff\x7f"
          "abc.",
          "cut short");
  REFUSED("\x80\x04X\xff\xff\xff\xff.", "cut short");
  REFUSED("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "cut short");
  REFUSED("\x80\x04\x8d\0\0\0\0\0\0\0\x80.", "cut short");
  REFUSED("\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.", "cut short");
  REFUSED("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "cut short");
  REFUSED("\x80\x02\x8b\xff\xff\xff\x7f.", "cut short");
}

#define ARRAY "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
#define TYPE(name) "cnumpy\ndtype\n(S'" name "'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"

static void checks_arrays(void **state) {
  (void)state;
  ACCEPTED(ARRAY "(I1\n(I2\nI3\nt" TYPE("u1") "I00\nS'abcdef'\ntb.", "uint8 array 2x3");
  ACCEPTED(ARRAY "(I1\n(I3\nt" TYPE("<i2") "I00\nS'abcdef'\ntb.", "int16 array 3");
  ACCEPTED(ARRAY "(I1\n(t" TYPE("u1") "I00\nS'a'\ntb.", "uint8 array without dimensions");
  REFUSED(ARRAY "(I1\n(I2\nI4\nt" TYPE("u1") "I00\nS'abcdef'\ntb.", "shape");
  REFUSED(ARRAY "(I1\n(I-1\nI-6\nt" TYPE("u1") "I00\nS'abcdef'\ntb.", "shape");
  REFUSED(ARRAY "(I1\n(L4611686018427387904L\nI4\nt" TYPE("u1") "I00\nS''\ntb.", "shape");
  REFUSED(ARRAY "(I1\n(L4294967296L\nL4294967296L\nt" TYPE("u1") "I00\nS''\ntb.", "shape");
  REFUSED(ARRAY "(I1\n(L99999999999999999999L\nt" TYPE("u1") "I00\nS''\ntb.", "shape");
  REFUSED(ARRAY "(I1\n(L1000000000000L\nt" TYPE("S0") "I00\nS''\ntb.", "shape");
  REFUSED(ARRAY "(I1\n(I1\nI1\nI1\nI1\nI1\nI1\nI1\nI1\nI1\nt" TYPE("u1") "I00\nS'a'\ntb.",
          "dimensions");
  REFUSED(ARRAY "(I1\n(I1\nt" TYPE("u1") "I00\nNtb.", "contents");
  REFUSED(ARRAY "(I1\n(I1\ntNI00\nS'a'\ntb.", "array");
  REFUSED(ARRAY "(I1\n(I9\nt" TYPE("O8") "I00\n(Nltb.", "shape");
}

static void bounds_depth(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  char *p = allocate(3 * DEPTH + 8);
  memset(p, ']', DEPTH);
  memset(p + DEPTH, 'a', DEPTH - 1);
  p[2 * DEPTH - 1] = '.';
  accepted(p, 2 * DEPTH, "list of 1");
  memset(p, '(', DEPTH);
  memset(p + DEPTH, 't', DEPTH);
  p[2 * DEPTH] = '.';
  accepted(p, 2 * DEPTH + 1, "tuple of 1");
  memset(p, '(', DEPTH);
  refused(p, DEPTH, "cut short");
  free(p);
}

static void bounds_memory(void **state) {
  (void)state;
  /* Each round doubles a list: ten rounds a kilobyte, a thousand rounds the universe. */
  char p[4096] = "]q\x01N"
                 "a";
  size_t n = 5;
  while (n < 4000)
    n += (size_t)sprintf(p + n, "](h\x01h\x01"
                                "eq\x01"
                                "00h\x01");
  memcpy(p + n, ".", 1);
  free(error_of(p, n + 1));
  /* set(l) copies l: many copies of a long list exceed the budget, not the machine. */
  enum { ITEMS = 50000, COPIES = 10000 };
  char *q = allocate(2 * ITEMS + COPIES * 40);
  n = (size_t)sprintf(q, "](");
  memset(q + n, 'N', ITEMS);
  n += ITEMS;
  n += (size_t)sprintf(q + n, "eq\x01"
                              "0c__builtin__\nset\nq\x02"
                              "0(");
  for (int i = 0; i < COPIES; i++) n += (size_t)sprintf(q + n, "h\x02h\x01\x85R");
  n += (size_t)sprintf(q + n, "t.");
  refused(q, n, "more memory");
  free(q);
}

static void survives_circles(void **state) {
  (void)state;
  ACCEPTED("]q\x01h\x01"
           "a.",
           "list of 1");
  ACCEPTED("}q\x01U\x01"
           "ah\x01s.",
           "dict of 1");
  ACCEPTED("]q\x01(h\x01tq\x02"
           "ah\x02"
           "0.",
           "list of 1");
}

static void reads_scalars(void **state) {
  (void)state;
  ACCEPTED("I01\n.", "bool");
  ACCEPTED("I1\n.", "int");
  ACCEPTED("L-12L\n.", "int");
  ACCEPTED("\x80\x02\x8a\x09\1\2\3\4\5\6\7\10\11.", "int");
  ACCEPTED("F1e300\n.", "float");
  ACCEPTED("S'a\\x00\\'\\n'\r\n.", "bytes");
  ACCEPTED("Vcaf\xe9 \\u2708\n.", "str");
  ACCEPTED("\x80\x04\x8f(NK\x01\x90.", "set of 2");
  ACCEPTED("(K\x01\x91.", "set of 1");
}

/* A whole data set in a few hundred bytes: cut anywhere, or with any byte changed, it gives a value
   or a sentence. */
static void survives_cuts_and_changes(void **state) {
  (void)state;
  static const char p[] =
      "\x80\x02}q\x01(U\x04"
      "data" ARRAY
      "q\x02(I1\n(I2\nI3\nt" TYPE("u1") "\x89U\x06"
                                        "abcdefq\x03tbU\x06labels](K\0K\1eX\x05\0\0\0names(U\x01"
                                        "aq\x04l\x8a\1\xff"
                                        "G?\xf0\0\0\0\0\0\0u.";
  size_t n = sizeof p - 1;
  char *error = error_of(p, n);
  assert_null(error);
  for (size_t cut = 0; cut < n; cut++) {
    error = error_of(p, cut);
    assert_non_null(error);
    free(error);
  }
  char changed[sizeof p];
  for (size_t i = 0; i < n; i++)
    for (int v = 0; v < 256; v++) {
      memcpy(changed, p, sizeof p);
      changed[i] = (char)v;
      free(error_of(changed, n));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuses_code),
      cmocka_unit_test(refuses_damage),
      cmocka_unit_test(refuses_huge_counts),
      cmocka_unit_test(checks_arrays),
      cmocka_unit_test(bounds_depth),
      cmocka_unit_test(bounds_memory),
      cmocka_unit_test(survives_circles),
      cmocka_unit_test(reads_scalars),
      cmocka_unit_test(survives_cuts_and_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
