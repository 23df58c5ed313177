/* The C header of an object: sizes, units, layouts, and the functions' prototypes. */
#include "base/internal.h"
#include "object_parts.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const object *o;
  FILE *f;
  const char *name; /* the prefix, and in capitals: */
  char upper[256];
} writer;

/* "3 x 32 x 32 floats", "64 whole numbers below 65": one sample. */
static void write_values(const writer *w, const port_info *p) {
  if (!p->rank) fputs("1", w->f);
  for (int i = 0; i < p->rank; i++) fprintf(w->f, i ? " x %lld" : "%lld", (long long)p->shape[i]);
  const bool one = p->count == 1;
  if (!p->is_int) fputs(one ? " float" : " floats", w->f);
  else fprintf(w->f, " whole number%s below %lld", one ? "" : "s", (long long)p->below);
}

static const char *c_type(const port_info *p) { return p->is_int ? "int32_t" : "float"; }

/* All ports that a program that uses the object may have to do with. */
static const port_list *all_ports(const writer *w) {
  return w->o->size.has_train ? &w->o->train_ports : &w->o->ports;
}

static void write_ports(const writer *w) {
  static const char *const word[] = {"input", "target", "result"};
  const port_list *l = all_ports(w);
  for (int i = 0; i < l->n; i++) {
    const object_port *p = &l->port[i];
    fprintf(w->f, "     %-6s  %-12s ", word[p->info.role], p->c_name);
    write_values(w, &p->info);
    fputs(p->info.is_int ? " (int32_t)\n" : "\n", w->f);
  }
}

static void write_top(const writer *w) {
  const graph *g = w->o->g;
  char *machine = object_machine(w->o);
  if (w->o->plain)
    fprintf(
        w->f,
        "/* The network `%s`, compiled to object code: %lld x %lld x %lld floats in, %lld out.\n",
        g->name, (long long)g->c, (long long)g->h, (long long)g->w, (long long)w->o->size.classes);
  else fprintf(w->f, "/* The network `%s`, compiled to object code. One sample:\n", g->name);
  if (!w->o->plain) write_ports(w);
  fprintf(w->f, "   %s\n   Machine: %s. Made by a program; edit the network instead.\n",
          w->o->opt.ident, machine);
  fputs("\n   The object allocates nothing and keeps nothing: every function works in the memory "
        "that "
        "it is\n   given, so any number of threads may run it at once, each with its own `work`. "
        "Blocks are of the\n   sizes below, in bytes, and begin at multiples of 64. Link with -lm.",
        w->f);
  if (!w->o->machine->info->fma)
    fputs("\n   This machine has no fused multiply-add: sums of products round twice, and the last "
          "bits of\n   results differ from other machines'.",
          w->f);
  fprintf(w->f,
          " */\n#ifndef %s_NETC_H\n#define %s_NETC_H\n#include <stddef.h>\n"
          "#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
          w->upper, w->upper);
  free(machine);
}

static void constant(const writer *w, const char *name, int64_t v, const char *what) {
  char full[500];
  snprintf(full, sizeof full, "%s_%s", w->upper, name);
  fprintf(w->f, "  %s = %lld, /* %s */\n", full, (long long)v, what);
}

/* PREFIX_NAME_COUNT and, of whole numbers, PREFIX_NAME_BELOW for every port. */
static void write_counts(const writer *w) {
  const port_list *l = all_ports(w);
  for (int i = 0; i < l->n; i++) {
    const port_info *p = &l->port[i].info;
    char name[200], upper[150];
    size_t n = 0;
    for (const char *s = l->port[i].c_name; *s && n + 1 < sizeof upper; s++)
      upper[n++] = (char)toupper((unsigned char)*s);
    upper[n] = 0;
    snprintf(name, sizeof name, "%s_COUNT", upper);
    constant(w, name, p->count, p->is_int ? "whole numbers of one sample" : "floats of one sample");
    snprintf(name, sizeof name, "%s_BELOW", upper);
    if (p->is_int) constant(w, name, p->below, "they are less than that");
  }
}

static void write_sizes(const writer *w) {
  const object_sizes *s = &w->o->size;
  fputs("enum {\n", w->f);
  constant(w, "BATCH", s->batch, "samples that one call takes");
  if (w->o->plain) {
    constant(w, "INPUT", s->input, "floats of one sample");
    constant(w, "CLASSES", s->classes, "floats of one sample's result");
  } else {
    write_counts(w);
  }
  constant(w, "PARAMS_BYTES", s->params,
           s->has_init ? "weights and running statistics" : "the weights are inside the object");
  constant(w, "STATE_BYTES", s->state, "the optimizer's own values");
  constant(w, "INFER_BYTES", s->infer, "work of inference");
  fprintf(w->f, "  %s_TRAIN_BYTES = %lld /* %s */\n};\n\n", w->upper, (long long)s->train,
          s->has_train ? "work of a training step" : "this object does not train");
}

static void write_init(const writer *w) {
  fprintf(
      w->f, "%s\nvoid %s_init(void *params, uint64_t seed);\n\n",
      w->o->size.has_weights
          ? "/* Puts the embedded weights into params, to train on from them. The seed is not "
            "used. */"
          : "/* Initial weights, drawn by the seed: the same on every machine, and as `netc train` "
            "draws them. */",
      w->name);
  fprintf(w->f,
          "/* Weights from the bytes of a safetensors file (float32, PyTorch's names and layouts). "
          "Returns 0, or\n   leaves params as they were and returns -1: not a safetensors file; "
          "-2: a tensor is missing;\n   -3: a tensor's shape is wrong; -4: its type is; "
          "-5: its values are not all there. */\n"
          "int %s_load(void *params, const void *safetensors, size_t bytes);\n\n",
          w->name);
}

static void write_params_note(const writer *w) {
  if (w->o->size.has_weights)
    fputs(w->o->size.has_train
              ? "\n   params: NULL for the embedded weights."
              : "\n   params: not used, for the weights are inside the object; NULL will do.",
          w->f);
}

/* "const float *x, const int32_t *label, ": those of one role. */
static void write_pointers(const writer *w, const port_list *l, port_role role) {
  for (int i = 0; i < l->n; i++)
    if (l->port[i].info.role == role)
      fprintf(w->f, "%s%s *%s, ", role == PORT_PREDICTION ? "" : "const ", c_type(&l->port[i].info),
              l->port[i].c_name);
}

static void write_infer_of_ports(const writer *w) {
  fputs("/* Every pointer is to BATCH samples, one after the other, each in PyTorch's order: "
        "channels\n"
        "   first. Images are scaled as in training. work: INFER_BYTES, of any contents.",
        w->f);
  write_params_note(w);
  fprintf(w->f, " */\nvoid %s_infer(const void *params, ", w->name);
  write_pointers(w, &w->o->ports, PORT_INPUT);
  write_pointers(w, &w->o->ports, PORT_PREDICTION);
  fputs("void *work);\n\n", w->f);
}

static void write_train_of_ports(const writer *w) {
  fprintf(
      w->f,
      "/* One step: forwards, backwards, and the update of params and state. Returns the mean "
      "loss of the\n   batch before the update. state: STATE_BYTES, all zero before the first "
      "step. lr: the learning\n   rate. step: counts the steps from 0 (it keys random numbers). "
      "work: TRAIN_BYTES, of any contents. */\nfloat %s_train(void *params, void *state, ",
      w->name);
  write_pointers(w, &w->o->train_ports, PORT_INPUT);
  write_pointers(w, &w->o->train_ports, PORT_TARGET);
  fputs("\n                float lr, uint64_t step, void *work);\n\n", w->f);
}

static void write_infer(const writer *w) {
  const graph *g = w->o->g;
  char scale[64] = "bytes / 255, floats as they are";
  if (g->has_train && g->train.scale != 0)
    snprintf(scale, sizeof scale, "values times %.9g", g->train.scale);
  fprintf(
      w->f,
      "/* x: BATCH x %lld x %lld x %lld (channels, height, width: PyTorch's order), scaled as in "
      "training\n   (%s). y: BATCH x CLASSES, the network's last values (logits: the\n   largest "
      "is the class). work: INFER_BYTES, of any contents.",
      (long long)g->c, (long long)g->h, (long long)g->w, scale);
  write_params_note(w);
  fprintf(w->f, " */\nvoid %s_infer(const void *params, const float *x, float *y, void *work);\n\n",
          w->name);
}

static void write_train(const writer *w) {
  fprintf(w->f,
          "/* One step: forwards, backwards, and the update of params and state. Returns the mean "
          "loss of the\n   batch before the update. state: STATE_BYTES, all zero before the first "
          "step. labels: BATCH class\n   numbers, from 0. lr: the learning rate. step: counts "
          "the steps from 0 (it keys random numbers).\n   work: TRAIN_BYTES, of any contents. */\n"
          "float %s_train(void *params, void *state, const float *x, const int32_t *labels, "
          "float lr,\n                uint64_t step, void *work);\n\n",
          w->name);
}

/* A C string of ASCII alone: no byte of it means anything to a compiler, whatever the file's
   encoding. */
static void write_string(const writer *w, const char *s) {
  fputc('"', w->f);
  for (; *s; s++) {
    const unsigned char c = (unsigned char)*s;
    if (c < ' ' || c > '~') fprintf(w->f, "\\%03o", c);
    else if (strchr("\"\\?", c)) fprintf(w->f, "\\%c", c);
    else fputc(c, w->f);
  }
  fputc('"', w->f);
}

static void write_list(const writer *w, const data_fact *f) {
  fputs("\\\n  {", w->f);
  for (int64_t i = 0; i < f->n; i++) {
    if (i) fputs(", \\\n   ", w->f);
    write_string(w, f->item[i]);
  }
  fputs("}", w->f);
}

/* A float stays one where it is whole. */
static void write_number(const writer *w, const data_fact *f) {
  char digits[40];
  snprintf(digits, sizeof digits, "%.9g", strtod(f->value, NULL));
  fputs(digits, w->f);
  if (f->kind == FACT_WHOLE) return;
  fputs(strpbrk(digits, ".e") ? "f" : ".0f", w->f);
}

/* As macros: a list begins an array, `static const char *const names[] = NET_CLASS_NAMES;`. */
static void write_facts(const writer *w) {
  const data_facts *all = &w->o->opt.facts;
  if (all->n) fputs("/* Of the data that the weights were trained on. */\n", w->f);
  for (int i = 0; i < all->n; i++) {
    const data_fact *f = &all->fact[i];
    fprintf(w->f, "/* %s */\n#define %s_%s ", f->what, w->upper, f->macro);
    if (f->kind == FACT_TEXT) write_string(w, f->value);
    else if (f->kind == FACT_LIST) write_list(w, f);
    else write_number(w, f);
    fputc('\n', w->f);
  }
  if (all->n) fputc('\n', w->f);
}

char *object_header(const object *o) {
  char *text = NULL;
  size_t n = 0;
  writer w = {.o = o, .f = open_memstream(&text, &n), .name = o->opt.prefix};
  if (!w.f) out_of_memory();
  for (size_t i = 0; o->opt.prefix[i] && i + 1 < sizeof w.upper; i++)
    w.upper[i] = (char)toupper((unsigned char)o->opt.prefix[i]);
  write_top(&w);
  write_sizes(&w);
  write_facts(&w);
  if (o->size.has_init) write_init(&w);
  (o->plain ? write_infer : write_infer_of_ports)(&w);
  if (o->size.has_train) (o->plain ? write_train : write_train_of_ports)(&w);
  fputs("#ifdef __cplusplus\n}\n#endif\n#endif\n", w.f);
  fclose(w.f);
  return text;
}
