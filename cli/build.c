/* netc build: a network as an object file and its C header. */
#include "cli/command.h"
#include "base/source.h"
#include "cli/trace.h"
#include "cli/facts.h"
#include "cli/fingerprint.h"
#include "cli/inference.h"
#include "cli/link.h"
#include "cli/terminal.h"
#include "cli/run_reference.h"
#include "cli/version.h"
#include "code/cpu.h"
#include "compiler/product/object.h"
#include "product/network.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include "runtime/sha256.h"
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { EMIT_OBJ, EMIT_ASM, EMIT_LLVM, EMIT_BC, EMIT_SHARED, EMIT_HEADER } emit_kind;

/* In the order of emit_kind. */
static const struct {
  const char *word, *suffix;
  object_form form;
} kinds[] = {
    {"obj", ".o", OBJECT_CODE},    {"asm", ".s", OBJECT_ASSEMBLY}, {"llvm", ".ll", OBJECT_LLVM},
    {"bc", ".bc", OBJECT_BITCODE}, {"shared", ".so", OBJECT_CODE}, {"header", ".h", OBJECT_CODE},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

typedef struct {
  const char *file, *out, *prefix, *weights, *target, *cpu, *features;
  emit_kind emit;
  int batch;
  long ram; /* bytes; 0: no limit */
  bool train, json;
} build_command;

enum { KEY_EMIT = 1000, KEY_TARGET, KEY_CPU, KEY_FEATURES, KEY_TRAIN, KEY_PREFIX, KEY_RAM };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0,
     "what to write (default: the network's name); the header stands beside it", 1},
    {"emit", KEY_EMIT, "KIND", 0, "obj (default), asm, llvm, bc, shared or header", 1},
    {"train", KEY_TRAIN, 0, 0, "put the whole training step in (default: inference only)", 1},
    {"batch", 'b', "N", 0, "samples that one call takes (default: 1)", 1},
    {"weights", 'w', "FILE", 0, "embed these weights (safetensors) as constants", 1},
    {"prefix", KEY_PREFIX, "NAME", 0, "of the exported names (default: the file's name)", 1},
    {"target", KEY_TARGET, "TRIPLE", 0, "machine to compile for, as in aarch64-linux-gnu", 2},
    {"cpu", KEY_CPU, "NAME", 0, "its processor, as in x86-64-v3 or cortex-m4; `help` lists them",
     2},
    {"features", KEY_FEATURES, "LIST", 0, "processor features, as in +avx2,+fma", 2},
    {"ram", KEY_RAM, "BYTES", 0, "fail if the network needs more memory (256K, 1M)", 2},
    {"json", 'j', 0, 0, "print one JSON object with the sizes", 3},
    {0}};

static const char doc[] =
    "Compiles FILE.net to object code that needs nothing but libm, and writes its C header."
    "\vWithout --target and --cpu, the code is for this very machine; --cpu=x86-64-v3 runs on "
    "most. "
    "With --emit=shared, $CC (default cc) links.";

/* --- the command line --- */

static emit_kind kind_named(struct argp_state *state, const char *word) {
  for (int i = 0; i < N_KINDS; i++)
    if (!strcmp(kinds[i].word, word)) return (emit_kind)i;
  argp_error(state, "--emit takes obj, asm, llvm, bc, shared or header, not `%s`", word);
  return EMIT_OBJ;
}

/* --cpu=help: what is known by name, architecture by architecture. */
static void list_processors(void) {
  const char *arch, *name, *before = "";
  char *line = NULL;
  printf("Processors that --cpu knows by name, with their architecture (--target):\n");
  for (int i = 0; cpu_listed(i, &arch, &name); i++) {
    if (strcmp(arch, before) != 0) {
      if (line) print_wrapped(stdout, line, 18);
      free(line);
      line = message("  %-15s", arch);
      before = arch;
    }
    char *longer = message("%s %s", line, name);
    free(line);
    line = longer;
  }
  if (line) print_wrapped(stdout, line, 18);
  free(line);
  print_wrapped(stdout,
                "Others that LLVM has may be named too, together with --target; they count as the "
                "plainest of their architecture unless --features says more.",
                0);
}

static bool is_identifier(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') return false;
  for (; *s; s++)
    if (!isalnum((unsigned char)*s) && *s != '_') return false;
  return true;
}

static const char *checked_prefix(struct argp_state *state, const char *arg) {
  if (!is_identifier(arg) || strlen(arg) > 100)
    argp_error(state, "--prefix takes a C identifier, not `%s`", arg);
  return arg;
}

static long bytes_of(struct argp_state *state, const char *arg) {
  char *end;
  long v = strtol(arg, &end, 10), unit = 1;
  if (*end == 'K' || *end == 'k') unit = 1024, end++;
  else if (*end == 'M' || *end == 'm') unit = 1024 * 1024, end++;
  if (end == arg || *end || v <= 0 || v > (1L << 40))
    argp_error(state, "--ram takes bytes, as in 262144, 256K or 1M, not `%s`", arg);
  return v * unit;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  build_command *c = state->input;
  switch (key) {
  case 'o': c->out = arg; break;
  case KEY_EMIT: c->emit = kind_named(state, arg); break;
  case KEY_TRAIN: c->train = true; break;
  case 'b': c->batch = (int)option_whole(state, "--batch", arg, 1, 65536); break;
  case 'w': c->weights = weights_named(arg); break;
  case KEY_PREFIX: c->prefix = checked_prefix(state, arg); break;
  case KEY_TARGET: c->target = arg; break;
  case KEY_CPU:
    if (!strcmp(arg, "help")) {
      list_processors();
      exit(EXIT_DONE);
    }
    c->cpu = arg;
    break;
  case KEY_FEATURES: c->features = arg; break;
  case KEY_RAM: c->ram = bytes_of(state, arg); break;
  case 'j': c->json = true; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

/* --- names --- */

/* The network's name as a C identifier. */
static char *default_prefix(const char *name) {
  char *p = message("%s%s", isdigit((unsigned char)*name) ? "net_" : "", name);
  for (char *s = p; *s; s++)
    if (!isalnum((unsigned char)*s)) *s = '_';
  return p;
}

/* path with its suffix (if it has one) replaced. */
static char *with_suffix(const char *path, const char *suffix) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  size_t n = dot && dot != name ? (size_t)(dot - path) : strlen(path);
  return message("%.*s%s", (int)n, path, suffix);
}

/* --- what is built --- */

/* "netc 0.1.0, source and settings a1b2..": equal hashes mean equal objects. */
static char *identity(const build_command *c, const graph *g, const char *prefix,
                      const inference *weights) {
  char network[65], all[65];
  sha256 s;
  graph_fingerprint(g, network);
  char *settings = message(
      NETC_VERSION " %s batch %d train %d seed %.17g prefix %s target %s cpu %s features %s",
      network, c->batch, c->train, g->has_train ? g->train.seed.v[0] : 0, prefix,
      c->target ? c->target : "-", c->cpu ? c->cpu : "-", c->features ? c->features : "-");
  sha256_start(&s);
  sha256_add(&s, settings, strlen(settings));
  if (weights) sha256_add(&s, weights->params, program_params_bytes(weights->b.p));
  sha256_hex(&s, all);
  free(settings);
  return message("netc " NETC_VERSION ", network, settings and weights sha256:%s", all);
}

static int64_t largest(int64_t a, int64_t b) { return a > b ? a : b; }

/* What a program that uses the object must provide: its blocks, one batch and its results. */
static int64_t ram_needed(const object_sizes *s) {
  return s->params + s->state + largest(s->infer, s->train) + s->one_batch;
}

static char *ram_message(const build_command *c, const object_sizes *s) {
  int64_t need = ram_needed(s);
  return message("`%s` needs %lld bytes of RAM, %lld more than the %ld of --ram:\n"
                 "  parameters        %10lld%s\n  optimizer's state %10lld\n  work              "
                 "%10lld\n  one batch         %10lld (inputs, results%s)",
                 c->file, (long long)need, (long long)(need - c->ram), c->ram, (long long)s->params,
                 s->has_init ? "" : " (embedded as constants)", (long long)s->state,
                 (long long)largest(s->infer, s->train),
                 (long long)(need - s->params - s->state - largest(s->infer, s->train)),
                 s->has_train ? ", targets" : "");
}

static void warn_of_slow_arithmetic(const char *code, size_t n, const object *o) {
  char *machine = object_machine(o);
  if (object_calls(code, n, "__aeabi_fmul") || object_calls(code, n, "__mulsf3"))
    diag_tell(DIAG_CAUTION,
              "%s has no floating-point unit: the object calls the compiler's support "
              "library\n      = help: name a processor that has one with --cpu",
              machine);
  else if (object_calls(code, n, "fmaf"))
    diag_tell(DIAG_CAUTION,
              "%s has no fused multiply-add: the object calls libm's fmaf, which is "
              "exact but slow\n      = help: name a processor that has it%s",
              machine, strstr(machine, "x86_64") ? ", e.g. --cpu=x86-64-v3" : " with --cpu");
  free(machine);
}

/* The bytes to write in the chosen form, or NULL with *error. */
static char *contents(const build_command *c, const object *o, size_t *n, char **error) {
  if (c->emit == EMIT_HEADER) {
    char *text = object_header(o);
    *n = strlen(text);
    return text;
  }
  char *bytes = object_bytes(o, kinds[c->emit].form, n);
  if (kinds[c->emit].form == OBJECT_CODE) warn_of_slow_arithmetic(bytes, *n, o);
  if (c->emit != EMIT_SHARED) return bytes;
  char *library = link_shared(bytes, *n, n, error);
  free(bytes);
  return library;
}

/* Both files, or neither. */
static bool write_files(const char *out, const char *bytes, size_t n, const char *header,
                        char **error) {
  char *beside = header ? with_suffix(out, ".h") : NULL;
  atomic_file a, b;
  if (header && !strcmp(beside, out)) {
    *error = message("the header goes to `%s`: choose another name for the object (-o)", out);
    free(beside);
    return false;
  }
  bool ok = atomic_open(&a, out, error);
  if (ok && header && !atomic_open(&b, beside, error)) {
    atomic_abandon(&a);
    ok = false;
  }
  if (ok) {
    fwrite(bytes, 1, n, a.f);
    if (header) fputs(header, b.f);
    ok = atomic_commit(&a, error);
    if (header && ok) ok = atomic_commit(&b, error);
    else if (header) atomic_abandon(&b);
  }
  free(beside);
  return ok;
}

static void print_sizes(const object *o, const char *out, const char *prefix, const char *ident) {
  object_sizes s = object_size(o);
  char *machine = object_machine(o);
  json_object *j = json_object_new_object();
  json_object_object_add(j, "file", json_object_new_string(out));
  json_object_object_add(j, "prefix", json_object_new_string(prefix));
  json_object_object_add(j, "machine", json_object_new_string(machine));
  json_object_object_add(j, "ident", json_object_new_string(ident));
  json_object_object_add(j, "batch", json_object_new_int(s.batch));
  json_object_object_add(j, "input", json_object_new_int64(s.input));
  json_object_object_add(j, "classes", json_object_new_int64(s.classes));
  json_object_object_add(j, "params_bytes", json_object_new_int64(s.params));
  json_object_object_add(j, "state_bytes", json_object_new_int64(s.state));
  json_object_object_add(j, "infer_bytes", json_object_new_int64(s.infer));
  json_object_object_add(j, "train_bytes", json_object_new_int64(s.train));
  json_object_object_add(j, "ram_bytes", json_object_new_int64(ram_needed(&s)));
  print_json(j);
  free(machine);
}

static int finish(const build_command *c, const object *o, const char *prefix, const char *ident,
                  const char *name) {
  object_sizes s = object_size(o);
  if (c->ram && ram_needed(&s) > c->ram) return report_failure(ram_message(c, &s));
  char *error = NULL, *header = c->emit == EMIT_HEADER ? NULL : object_header(o);
  char *out =
      c->out ? copy_string(c->out, strlen(c->out)) : message("%s%s", name, kinds[c->emit].suffix);
  size_t n = 0;
  char *bytes = contents(c, o, &n, &error);
  bool ok = bytes && write_files(out, bytes, n, header, &error);
  if (ok && c->json) print_sizes(o, out, prefix, ident);
  free(bytes);
  free(header);
  free(out);
  return ok ? EXIT_DONE : report_failure(error);
}

static int build_with(const build_command *c, const graph *g, const inference *weights,
                      const data_facts *facts) {
  char *prefix = c->prefix ? copy_string(c->prefix, strlen(c->prefix)) : default_prefix(g->name);
  char *ident = identity(c, g, prefix, weights), *error = NULL;
  object_options o = {.prefix = prefix,
                      .batch = c->batch,
                      .train = c->train,
                      .weights = weights ? weights->params : NULL,
                      .triple = c->target,
                      .cpu = c->cpu,
                      .features = c->features,
                      .facts = *facts,
                      .ident = ident};
  object *made = object_new(g, &o, &error);
  int status = !made          ? report_failure(error)
               : only_dumps() ? EXIT_DONE
                              : finish(c, made, prefix, ident, g->name);
  object_free(made);
  free(ident);
  free(prefix);
  return status;
}

static int build_graph(const build_command *c, const graph *g) {
  char *error = NULL;
  inference weights;
  if (c->train && !g->has_train)
    return report_failure(
        message("`%s` has no train {..}, which --train needs: it names the loss and "
                "the optimizer",
                c->file));
  safetensors *st;
  data_facts facts = {0};
  if (!c->weights || only_dumps()) return build_with(c, g, NULL, &facts);
  if (!inference_open(&weights, g, 1, false, 1, c->weights, &error)) return report_failure(error);
  int status = facts_read(c->weights, &st, &facts, &error) ? build_with(c, g, &weights, &facts)
                                                           : report_failure(error);
  facts_free(&facts);
  safetensors_free(st);
  inference_close(&weights);
  return status;
}

static const struct argp_child children[] = {{&trace_argp, 0, 0, 0}, {0}};
const struct argp build_argp = {options, parse, "FILE.net", doc, children, 0, 0};

int command_build(int argc, char **argv) {
  build_command c = {.batch = 1};
  parse_command(&build_argp, argc, argv, &c);
  graph *g = graph_load(c.file, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  int status = build_graph(&c, g);
  graph_free(g);
  return status;
}
