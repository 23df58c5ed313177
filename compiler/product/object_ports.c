/* What the functions of an object take and give, one pointer each: names, types and sizes. */
#include "object_parts.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Words that a parameter of a C or C++ function cannot be called, or that others are. */
static const char *const taken[] = {
    "params",  "state",  "work",     "lr",      "step",     "auto",     "bool",     "break",
    "case",    "catch",  "char",     "class",   "const",    "continue", "default",  "delete",
    "do",      "double", "else",     "enum",    "explicit", "export",   "extern",   "false",
    "float",   "for",    "friend",   "goto",    "if",       "inline",   "int",      "long",
    "mutable", "new",    "operator", "private", "public",   "register", "restrict", "return",
    "short",   "signed", "sizeof",   "static",  "struct",   "switch",   "template", "this",
    "throw",   "true",   "try",      "typedef", "typename", "union",    "unsigned", "using",
    "virtual", "void",   "volatile", "while",   "and",      "or",       "not",      "xor"};

static bool is_taken(const port_list *l, const char *name) {
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (!strcmp(taken[i], name)) return true;
  for (int i = 0; i < l->n; i++)
    if (!strcmp(l->port[i].c_name, name)) return true;
  return false;
}

static const char *c_name(const object *o, const port_list *l, const char *name) {
  char *c = arena_strdup(o->infer.mem, name);
  for (char *p = c; *p; p++)
    if (!isalnum((unsigned char)*p)) *p = '_';
  while (is_taken(l, c)) c = arena_printf(o->infer.mem, "%s_", c);
  return c;
}

/* A lone input is called x, labelled ones as in the file. */
static const char *name_of(const object *o, const port_info *p, int input) {
  if (p->role != PORT_INPUT || o->g->n_input == 1) return p->name;
  return o->g->input[input]->name;
}

/* Those of a program but its losses, in the order of its ports. */
static port_list ports_of(const object *o, const nestprog *p) {
  port_list l = {0};
  for (int i = 0; i < p->n_port; i++) {
    object_port one = {.info = describe_port(p->port[i]), .block = p->port[i]->block};
    if (one.info.role == PORT_LOSS) continue;
    one.c_name = c_name(o, &l, name_of(o, &one.info, i));
    PUSH(o->infer.mem, l.port, l.n, one);
  }
  return l;
}

static int count(const port_list *l, port_role role) {
  int n = 0;
  for (int i = 0; i < l->n; i++) n += l->port[i].info.role == role;
  return n;
}

/* One image or row of floats, and one row of logits; in training, one class a sample. */
static bool is_plain(const object *o, const port_list *train) {
  const port_list *l = &o->ports;
  if (l->n != 2 || l->port[0].info.is_int || l->port[1].info.rank != 1) return false;
  if (l->port[0].info.rank != 3 && l->port[0].info.rank != 1) return false;
  const port_info *y = train->n == 3 ? &train->port[1].info : NULL;
  return !o->size.has_train || (y && y->role == PORT_TARGET && y->is_int && !y->rank);
}

void object_find_ports(object *o) {
  o->ports = ports_of(o, o->infer.p);
  port_list train = o->size.has_train ? ports_of(o, o->train.p) : (port_list){0};
  o->train_ports = train;
  o->plain = is_plain(o, &train);
  const int64_t batch = o->opt.batch;
  int64_t in = 0, out = 0, targets = 0;
  for (int i = 0; i < o->ports.n; i++)
    *(o->ports.port[i].info.role == PORT_INPUT ? &in : &out) += o->ports.port[i].info.count;
  for (int i = 0; i < train.n; i++)
    if (train.port[i].info.role == PORT_TARGET) targets += train.port[i].info.count;
  o->size.one_batch = 4 * batch * (in + out + targets);
  o->size.input = o->ports.port[0].info.count;
  o->size.classes = o->ports.port[count(&o->ports, PORT_INPUT)].info.count;
}
