#include "pickle.h"
#include "message.h"
#include "pickle_build.h"
#include "pickle_opcodes.h"
#include "pickle_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Python's pickle machine: a stack, marks into it, and a memo. */
typedef struct {
  value_heap *heap;
  const uint8_t *bytes;
  size_t n, at, op_at; /* op_at: where the running opcode stands */
  value_seq *stack, *memo;
  bool tensors; /* of torch.save */
  size_t n_mark, room_mark;
  size_t *mark;
  char *error;
} machine;

static bool fail(machine *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fail(machine *m, const char *fmt, ...) {
  if (m->error) return false;
  char *what = NULL;
  va_list ap;
  va_start(ap, fmt);
  if (vasprintf(&what, fmt, ap) < 0) abort();
  va_end(ap);
  m->error = message("byte %zu: %s", m->op_at, what);
  free(what);
  return false;
}

static bool too_much(machine *m) {
  return fail(m, "the pickle asks for more memory than a file of its size can need");
}

static bool truncated(machine *m) {
  return fail(m, "the pickle ends in the middle; the file is cut short (%zu bytes)", m->n);
}

/* ---- reading ---- */

/* n bytes of the file, or NULL with the error set. */
static const uint8_t *take(machine *m, uint64_t n) {
  if (n > m->n - m->at) {
    truncated(m);
    return NULL;
  }
  const uint8_t *p = m->bytes + m->at;
  m->at += (size_t)n;
  return p;
}

/* A little-endian count of `width` bytes. */
static bool take_count(machine *m, int width, uint64_t *out) {
  const uint8_t *p = take(m, (uint64_t)width);
  *out = 0;
  for (int i = width - 1; p && i >= 0; i--) *out = *out << 8 | p[i];
  return p != NULL;
}

/* The text up to the next newline. */
static bool take_line(machine *m, value_string *out) {
  const uint8_t *p = m->bytes + m->at, *end = memchr(p, '\n', m->n - m->at);
  if (!end) return truncated(m);
  *out = (value_string){(const char *)p, (size_t)(end - p)};
  m->at += out->n + 1;
  if (out->n && end[-1] == '\r') out->n--;
  return true;
}

/* ---- the stack ---- */

static bool push(machine *m, value v) {
  return seq_append(m->heap, m->stack, &v, 1) || too_much(m);
}

/* The values above the last mark may be popped one by one, those below may not. */
static size_t floor_of(const machine *m) { return m->n_mark ? m->mark[m->n_mark - 1] : 0; }

static bool need(machine *m, size_t n) {
  if (m->stack->n - floor_of(m) >= n) return true;
  return fail(m, "the pickle is damaged: opcode 0x%02x finds too few values", m->bytes[m->op_at]);
}

static value *top(machine *m) { return &m->stack->item[m->stack->n - 1]; }
static value pop(machine *m) { return m->stack->item[--m->stack->n]; }

static bool push_mark(machine *m) {
  if (m->n_mark == m->room_mark) {
    m->room_mark = m->room_mark ? 2 * m->room_mark : 64;
    size_t *mark = realloc(m->mark, m->room_mark * sizeof *mark);
    if (!mark) return too_much(m);
    m->mark = mark;
  }
  m->mark[m->n_mark++] = m->stack->n;
  return true;
}

/* Removes the last mark: *first is the position of the first value above it. */
static bool pop_mark(machine *m, size_t *first) {
  if (!m->n_mark) return fail(m, "the pickle is damaged: an opcode finds no mark");
  *first = m->mark[--m->n_mark];
  return true;
}

/* A new container of the values from `first` on, which leave the stack. */
static bool collect(machine *m, value_kind kind, size_t first) {
  value_seq *s = heap_seq(m->heap);
  if (!s) return too_much(m);
  size_t n = m->stack->n - first;
  if (n && !seq_append(m->heap, s, m->stack->item + first, n)) return too_much(m);
  m->stack->n = first;
  return push(m, (value){.kind = kind, .seq = s});
}

static bool collect_mark(machine *m, value_kind kind) {
  size_t first = 0;
  if (!pop_mark(m, &first)) return false;
  if (kind == VAL_DICT && (m->stack->n - first) % 2)
    return fail(m, "the pickle is damaged: a dictionary with a key but no value");
  return collect(m, kind, first);
}

static bool collect_last(machine *m, value_kind kind, size_t n) {
  return need(m, n) && collect(m, kind, m->stack->n - n);
}

/* Moves the values from `first` on into the container below them. */
static bool extend(machine *m, value_kind kind, size_t first) {
  size_t n = m->stack->n - first;
  if (first <= floor_of(m)) return fail(m, "the pickle is damaged: items without a container");
  value *into = &m->stack->item[first - 1];
  if (into->kind != kind || (kind == VAL_DICT && n % 2))
    return fail(m, "the pickle is damaged: items for a container that does not take them");
  if (n && !seq_append(m->heap, into->seq, m->stack->item + first, n)) return too_much(m);
  m->stack->n = first;
  return true;
}

static bool extend_mark(machine *m, value_kind kind) {
  size_t first = 0;
  return pop_mark(m, &first) && extend(m, kind, first);
}

static bool extend_last(machine *m, value_kind kind, size_t n) {
  return need(m, n + 1) && extend(m, kind, m->stack->n - n);
}

/* ---- the memo ---- */

static bool memo_put(machine *m, uint64_t i) {
  if (!need(m, 1)) return false;
  /* Every entry costs the file a byte at least, so that a larger index is no pickler's. */
  if (i >= m->n) return fail(m, "the pickle is damaged: memo entry %llu", (unsigned long long)i);
  const value nothing = {.kind = VAL_CLASS, .i = -1};
  while (m->memo->n < i)
    if (!seq_append(m->heap, m->memo, &nothing, 1)) return too_much(m);
  if (m->memo->n == i) return seq_append(m->heap, m->memo, top(m), 1) || too_much(m);
  m->memo->item[i] = *top(m);
  return true;
}

static bool memo_get(machine *m, uint64_t i) {
  if (i >= m->memo->n || (m->memo->item[i].kind == VAL_CLASS && m->memo->item[i].i < 0))
    return fail(m, "the pickle is damaged: memo entry %llu was never stored",
                (unsigned long long)i);
  return push(m, m->memo->item[i]);
}

static bool memo_line(machine *m, bool get) {
  value_string line;
  value v;
  if (!take_line(m, &line)) return false;
  if (!text_integer(line.p, line.n, &v) || v.kind != VAL_INT || v.i < 0)
    return fail(m, "the pickle is damaged: a memo entry without a number");
  return get ? memo_get(m, (uint64_t)v.i) : memo_put(m, (uint64_t)v.i);
}

static bool memo_binary(machine *m, bool get, int width) {
  uint64_t i;
  return take_count(m, width, &i) && (get ? memo_get(m, i) : memo_put(m, i));
}

/* ---- numbers and strings ---- */

static bool push_int(machine *m, int64_t i) { return push(m, (value){.kind = VAL_INT, .i = i}); }

static bool push_unsigned(machine *m, int width) {
  uint64_t i;
  return take_count(m, width, &i) && push_int(m, (int64_t)i);
}

static bool push_binint(machine *m) {
  uint64_t i;
  return take_count(m, 4, &i) && push_int(m, (int32_t)(uint32_t)i);
}

/* A little-endian two's complement number of any length. */
static bool push_long(machine *m, int width) {
  uint64_t n, bits = 0;
  if (!take_count(m, width, &n)) return false;
  const uint8_t *p = take(m, n);
  if (!p) return false;
  if (n > 8) return push(m, (value){.kind = VAL_HUGE});
  if (n && p[n - 1] & 0x80) bits = UINT64_MAX;
  for (uint64_t i = n; i-- > 0;) bits = bits << 8 | p[i];
  return push_int(m, (int64_t)bits);
}

static bool push_text_number(machine *m) {
  value_string line;
  value v;
  if (!take_line(m, &line)) return false;
  bool ok = m->bytes[m->op_at] == OP_FLOAT ? text_float(line.p, line.n, &v)
                                           : text_integer(line.p, line.n, &v);
  if (!ok) return fail(m, "the pickle is damaged: a number expected");
  /* Protocol 0 and 1 write True and False as the integers 01 and 00. */
  if (m->bytes[m->op_at] == OP_INT && line.n == 2 && line.p[0] == '0') v.kind = VAL_BOOL;
  return push(m, v);
}

static bool push_binfloat(machine *m) {
  const uint8_t *p = take(m, 8);
  if (!p) return false;
  value_dtype big = {'f', __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, 8};
  return push(m, (value){.kind = VAL_FLOAT, .f = element_float(&big, p)});
}

static bool push_string(machine *m, value_kind kind, int width) {
  uint64_t n;
  value v;
  if (!take_count(m, width, &n)) return false;
  const uint8_t *p = take(m, n);
  if (!p) return false;
  return make_string(m->heap, kind, (const char *)p, (size_t)n, &v) ? push(m, v) : too_much(m);
}

/* Protocol 0: S'...' (Python 2's str, with escapes) and V... (text with \u escapes). */
static bool push_text_string(machine *m) {
  value_string line;
  value v;
  if (!take_line(m, &line)) return false;
  bool quoted = m->bytes[m->op_at] == OP_STRING;
  if (quoted && !text_unquote(&line))
    return fail(m, "the pickle is damaged: a string without its quotes");
  char *p = heap_alloc(m->heap, line.n * 2 + 4);
  if (!p) return too_much(m);
  size_t n;
  bool ok = quoted ? text_unescape(line.p, line.n, p, &n) : text_raw_unicode(line.p, line.n, p, &n);
  if (!ok) return fail(m, "the pickle is damaged: a string with a wrong escape");
  return make_string(m->heap, quoted ? VAL_BYTES : VAL_TEXT, p, n, &v) ? push(m, v) : too_much(m);
}

/* ---- classes ---- */

/* The first characters of a name, fit to be shown. */
static void shown_name(const value_string *s, char out[64]) {
  size_t n = 0;
  for (; n < s->n && n < 60; n++) out[n] = s->p[n] > ' ' && s->p[n] < 127 ? s->p[n] : '?';
  if (s->n > 60) n += (size_t)sprintf(out + n, "...");
  out[n] = 0;
}

/* How what other libraries pickle is saved as arrays; "" where nobody knows. */
static const char *saved_instead(const char *module) {
  if (!strncmp(module, "torch", 5)) return ": save tensors as arrays, x.numpy()";
  return !strncmp(module, "pandas", 6) ? ": save tables as CSV, frame.to_csv(\"FILE\", index=False)"
                                       : "";
}

static bool push_class(machine *m, const value_string *module, const value_string *name) {
  value v;
  if (constructor_find(module, name, &v)) return push(m, v);
  if (m->tensors && tensor_constructor_find(module, name, &v)) return push(m, v);
  char a[64], b[64];
  shown_name(module, a);
  shown_name(name, b);
  if (m->tensors)
    return fail(m,
                "the pickle calls `%s.%s`, which netc does not run; save the weights alone: "
                "torch.save(model.state_dict(), FILE)",
                a, b);
  return fail(m,
              "the pickle calls `%s.%s`, which netc does not run; a data set holds arrays, lists, "
              "strings and numbers only%s",
              a, b, saved_instead(a));
}

static bool push_global(machine *m) {
  value_string module, name;
  return take_line(m, &module) && take_line(m, &name) && push_class(m, &module, &name);
}

static bool push_stack_global(machine *m) {
  if (!need(m, 2)) return false;
  value name = pop(m), module = pop(m);
  if (!is_string(&name) || !is_string(&module))
    return fail(m, "the pickle is damaged: a class without a name");
  return push_class(m, module.s, name.s);
}

static bool reduce(machine *m) {
  if (!need(m, 2)) return false;
  value args = pop(m), class = pop(m), v;
  if (class.kind != VAL_CLASS || class.i < 0 || args.kind != VAL_TUPLE)
    return fail(m, "the pickle calls something that is not a constructor; netc runs nothing");
  char *wrong = constructor_call(m->heap, &class, &args, m->n, &v);
  if (!wrong) return push(m, v);
  fail(m, "%s", wrong);
  free(wrong);
  return false;
}

/* cls.__new__(cls): only of dictionaries, which are empty then. */
static bool new_object(machine *m) {
  const value *args = m->stack->n >= 2 ? top(m) : NULL;
  if (args && args[-1].kind == VAL_CLASS && makes_dict(&args[-1]) && args->kind == VAL_TUPLE &&
      args->seq->n == 0)
    return reduce(m);
  return fail(m,
              "the pickle makes an object of a class (opcode 0x%02x), which netc does not "
              "run; a data set holds arrays, lists, strings and numbers only",
              OP_NEWOBJ);
}

static bool build(machine *m) {
  if (!need(m, 2)) return false;
  value state = pop(m);
  char *wrong = object_set_state(top(m), &state, m->n);
  if (!wrong) return true;
  fail(m, "%s", wrong);
  free(wrong);
  return false;
}

static bool refuse(machine *m, int op) {
  switch (op) {
  case OP_PERSID:
  case OP_BINPERSID:
    return fail(m, "the pickle refers to an object outside of it (persistent id), as torch.save "
                   "does; save plain NumPy arrays with pickle.dump");
  case OP_NEXT_BUFFER:
  case OP_READONLY_BUFFER:
    return fail(m, "the pickle keeps its arrays in buffers outside of the file; dump it again "
                   "without buffer_callback");
  case OP_EXT1:
  case OP_EXT2:
  case OP_EXT4: return fail(m, "the pickle uses the extension registry, which netc does not have");
  case OP_INST:
  case OP_OBJ:
  case OP_NEWOBJ_EX:
    return fail(m,
                "the pickle makes an object of a class (opcode 0x%02x), which netc does not "
                "run; a data set holds arrays, lists, strings and numbers only",
                op);
  default:
    if (m->op_at == 0) return fail(m, "this is not a pickle");
    return fail(m, "the pickle is damaged: 0x%02x is no opcode", op);
  }
}

static bool protocol(machine *m) {
  const uint8_t *p = take(m, 1);
  if (!p) return false;
  return *p <= 5 || fail(m, "pickle protocol %d is not known; dump it with protocol 4", *p);
}

static bool frame(machine *m) {
  uint64_t n;
  return take_count(m, 8, &n) && (n <= m->n - m->at || truncated(m));
}

/* ---- the machine ---- */

static bool step_string(machine *m, int op) {
  switch (op) {
  case OP_STRING:
  case OP_UNICODE: return push_text_string(m);
  case OP_BINSTRING: return push_string(m, VAL_BYTES, 4);
  case OP_SHORT_BINSTRING: return push_string(m, VAL_BYTES, 1);
  case OP_BINUNICODE: return push_string(m, VAL_TEXT, 4);
  case OP_SHORT_BINUNICODE: return push_string(m, VAL_TEXT, 1);
  case OP_BINUNICODE8: return push_string(m, VAL_TEXT, 8);
  case OP_BINBYTES: return push_string(m, VAL_BYTES, 4);
  case OP_SHORT_BINBYTES: return push_string(m, VAL_BYTES, 1);
  case OP_BINBYTES8:
  case OP_BYTEARRAY8: return push_string(m, VAL_BYTES, 8);
  default: return refuse(m, op);
  }
}

static bool step_scalar(machine *m, int op) {
  switch (op) {
  case OP_NONE: return push(m, (value){.kind = VAL_NONE});
  case OP_NEWTRUE: return push(m, (value){.kind = VAL_BOOL, .i = 1});
  case OP_NEWFALSE: return push(m, (value){.kind = VAL_BOOL});
  case OP_INT:
  case OP_LONG:
  case OP_FLOAT: return push_text_number(m);
  case OP_BININT: return push_binint(m);
  case OP_BININT1: return push_unsigned(m, 1);
  case OP_BININT2: return push_unsigned(m, 2);
  case OP_LONG1: return push_long(m, 1);
  case OP_LONG4: return push_long(m, 4);
  case OP_BINFLOAT: return push_binfloat(m);
  default: return step_string(m, op);
  }
}

static bool step_container(machine *m, int op) {
  switch (op) {
  case OP_EMPTY_LIST: return collect_last(m, VAL_LIST, 0);
  case OP_EMPTY_TUPLE: return collect_last(m, VAL_TUPLE, 0);
  case OP_EMPTY_DICT: return collect_last(m, VAL_DICT, 0);
  case OP_EMPTY_SET: return collect_last(m, VAL_SET, 0);
  case OP_TUPLE1: return collect_last(m, VAL_TUPLE, 1);
  case OP_TUPLE2: return collect_last(m, VAL_TUPLE, 2);
  case OP_TUPLE3: return collect_last(m, VAL_TUPLE, 3);
  case OP_LIST: return collect_mark(m, VAL_LIST);
  case OP_TUPLE: return collect_mark(m, VAL_TUPLE);
  case OP_DICT: return collect_mark(m, VAL_DICT);
  case OP_FROZENSET: return collect_mark(m, VAL_SET);
  case OP_APPEND: return extend_last(m, VAL_LIST, 1);
  case OP_SETITEM: return extend_last(m, VAL_DICT, 2);
  case OP_APPENDS: return extend_mark(m, VAL_LIST);
  case OP_SETITEMS: return extend_mark(m, VAL_DICT);
  case OP_ADDITEMS: return extend_mark(m, VAL_SET);
  default: return step_scalar(m, op);
  }
}

static bool step(machine *m, int op) {
  size_t first = 0;
  switch (op) {
  case OP_PROTO: return protocol(m);
  case OP_FRAME: return frame(m);
  case OP_MARK: return push_mark(m);
  case OP_POP:
    /* As in Python: a mark on top is popped like a value. */
    if (m->n_mark && m->stack->n == floor_of(m)) return pop_mark(m, &first);
    return need(m, 1) && (pop(m), true);
  case OP_POP_MARK: return pop_mark(m, &first) && (m->stack->n = first, true);
  case OP_DUP: return need(m, 1) && push(m, *top(m));
  case OP_PUT: return memo_line(m, false);
  case OP_BINPUT: return memo_binary(m, false, 1);
  case OP_LONG_BINPUT: return memo_binary(m, false, 4);
  case OP_MEMOIZE: return memo_put(m, m->memo->n);
  case OP_GET: return memo_line(m, true);
  case OP_BINGET: return memo_binary(m, true, 1);
  case OP_LONG_BINGET: return memo_binary(m, true, 4);
  case OP_GLOBAL: return push_global(m);
  case OP_STACK_GLOBAL: return push_stack_global(m);
  case OP_REDUCE: return reduce(m);
  case OP_NEWOBJ: return new_object(m);
  case OP_BUILD: return build(m);
  case OP_BINPERSID: return m->tensors ? need(m, 1) : refuse(m, op); /* stays as it is */
  default: return step_container(m, op);
  }
}

static bool run(machine *m, value *out) {
  for (;;) {
    m->op_at = m->at;
    const uint8_t *op = take(m, 1);
    if (!op) return false;
    if (*op == OP_STOP) break;
    if (!step(m, *op)) return false;
  }
  if (m->n_mark || m->stack->n != 1)
    return fail(m, "the pickle is damaged: it ends with %zu values", m->stack->n);
  *out = pop(m);
  return true;
}

size_t pickle_budget(size_t n) { return n > SIZE_MAX / 64 ? SIZE_MAX / 2 : 48 * n + (1 << 20); }

static bool read_all(value_heap *h, const uint8_t *bytes, size_t n, bool tensors, value *out,
                     char **error) {
  machine m = {.heap = h, .bytes = bytes, .n = n, .tensors = tensors};
  m.stack = heap_seq(h);
  m.memo = heap_seq(h);
  bool ok = n ? (m.stack && m.memo) || too_much(&m) : fail(&m, "the file is empty");
  ok = ok && run(&m, out);
  free(m.mark);
  if (!ok) *error = m.error;
  return ok;
}

bool pickle_read(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error) {
  return read_all(h, bytes, n, false, out, error);
}

bool pickle_read_tensors(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error) {
  return read_all(h, bytes, n, true, out, error);
}
