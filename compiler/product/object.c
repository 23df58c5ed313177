/* object: both programs of a network in one LLVM module, with the functions that C calls. */
#include "base/internal.h"
#include "object.h"
#include "base/timing.h"
#include "base/capture.h"
#include "object_embed.h"
#include "object_parts.h"
#include <llvm-c/BitWriter.h>
#include <llvm-c/Object.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

static int64_t aligned(int64_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

/* --- the machine --- */

/* LLVM tells of an unknown processor or feature only on stderr. */
static char *complaint_of_generator(object *o) {
  capture c = capture_begin();
  o->generator = machine_generator(o->machine);
  char *text = capture_end(c), *ignoring = strstr(text, " (ignoring");
  if (ignoring) *ignoring = 0;
  return text;
}

/* LLVM has targets that are no processors of this kind (graphics, kernels' bytecode, 16 bits). */
static bool is_processor(const char *triple) {
  static const char *const known[] = {"x86_64", "i686",  "aarch64", "riscv64",     "riscv32",
                                      "arm",    "thumb", "wasm32",  "powerpc64le", "loongarch64"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strncmp(triple, known[i], strlen(known[i]))) return true;
  return false;
}

static bool set_machine(object *o, char **error) {
  const object_options *p = &o->opt;
  if (p->triple && !is_processor(p->triple)) {
    *error = strdup("objects are made for x86_64, i686, aarch64, riscv64, riscv32, arm, thumb, "
                    "wasm32, powerpc64le and loongarch64 only (--target)");
    return false;
  }
  o->machine = machine_new(p->triple, p->cpu, p->features, error);
  if (!o->machine) return false;
  char *complaint = complaint_of_generator(o);
  if (*complaint) {
    const char *help = strstr(complaint, "processor")
                           ? "\n      = help: `netc build --cpu=help` lists processors"
                           : "";
    *error = malloc(strlen(complaint) + strlen(help) + 1);
    if (!*error) internal_error("object", "out of memory");
    sprintf(*error, "%s%s", complaint, help);
    free(complaint);
    return false;
  }
  free(complaint);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(o->generator);
  bool little = LLVMByteOrder(layout) == LLVMLittleEndian;
  LLVMDisposeTargetData(layout);
  if (!little) *error = strdup("big-endian machines are not supported");
  return little;
}

char *object_machine(const object *o) {
  const char *parts[] = {o->machine->triple, o->machine->cpu, o->machine->info->name};
  char *text = malloc(strlen(parts[0]) + strlen(parts[1]) + strlen(parts[2]) + 16);
  sprintf(text, "%s, %s (%s)", parts[0], parts[1], parts[2]);
  return text;
}

/* --- programs --- */

static void compile(object *o, compilation *c, bool train) {
  char prefix[256];
  *c = (compilation){.g = o->g, .machine = o->machine};
  c->opt = (program_options){.train = train, .batch = o->opt.batch, .threads = 1};
  c->optimizer = train ? &o->g->train.optimizer[0] : NULL;
  snprintf(prefix, sizeof prefix, "%.200s_%s_", o->opt.prefix, train ? "train" : "infer");
  c->prefix = prefix;
  pipeline_run(c, NULL);
}

/* Kernels of the training step that inference has too are emitted once. */
static void share_kernels(object *o) {
  for (kernel *t = o->train.kernels->kernels; t; t = t->next)
    for (const kernel *i = o->infer.kernels->kernels; i; i = i->next)
      if (kernel_same(t, i)) t->name = i->name;
}

static void emit_all(object *o, const kernel_list *l) {
  double start = seconds_worked();
  for (int i = 0; i < l->n_call; i++)
    if (!LLVMGetNamedFunction(o->module, l->call[i].k->name))
      emit_kernel(o->module, &l->call[i], o->machine->info);
  timing_add("emit", seconds_worked() - start, 0);
}

static void measure(object *o) {
  const memory_plan *infer = &o->infer.memory, *train = &o->train.memory;
  object_sizes *s = &o->size;
  s->batch = o->opt.batch;
  s->has_train = o->opt.train;
  s->has_weights = o->opt.weights != NULL;
  s->has_init = s->has_train || !s->has_weights;
  object_find_ports(o);
  s->params = s->has_init ? infer->bytes[BLOCK_PARAMS] : 0;
  s->infer = infer->bytes[BLOCK_WORK];
  if (!s->has_train) return;
  if (train->bytes[BLOCK_PARAMS] != infer->bytes[BLOCK_PARAMS])
    internal_error("params", "training and inference lay them out differently");
  o->kept_at = NEW_N(o->infer.mem, int64_t, o->train_ports.n);
  o->losses_at = train->bytes[BLOCK_WORK];
  for (int i = 0; i < o->train_ports.n; i++) {
    const port_info *p = &o->train_ports.port[i].info;
    if (p->role != PORT_PREDICTION) continue;
    o->kept_at[i] = o->losses_at;
    o->losses_at += aligned(4 * p->count * s->batch);
  }
  s->state = train->bytes[BLOCK_STATE];
  s->train = o->losses_at + aligned(4 * s->batch);
}

/* Optimizers' values all begin at zero, so a cleared block is a fresh one. */
static bool state_begins_at_zero(const object *o, char **error) {
  for (int i = 0; o->size.has_train && i < o->train.p->n_tensor; i++) {
    const tensor *t = o->train.p->tensor[i];
    if (t->role != T_OPT || (t->init == 0 && !weight_draws(t))) continue;
    *error = strdup("the optimizer's state does not begin at zero, which objects need");
    return false;
  }
  return true;
}

/* --- the module --- */

LLVMValueRef object_function(object *o, const char *name, LLVMTypeRef type) {
  char full[256];
  snprintf(full, sizeof full, "%.200s_%s", o->opt.prefix, name);
  LLVMValueRef f = LLVMAddFunction(o->module, full, type);
  unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
  LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
                          LLVMCreateEnumAttribute(LLVMGetModuleContext(o->module), nounwind, 0));
  return f;
}

/* All functions so far are the object's own business. */
static void hide_functions(object *o) {
  for (LLVMValueRef f = LLVMGetFirstFunction(o->module); f; f = LLVMGetNextFunction(f))
    if (!LLVMIsDeclaration(f)) LLVMSetLinkage(f, LLVMInternalLinkage);
}

static void hide_embedded(object *o) {
  for (LLVMValueRef f = LLVMGetFirstFunction(o->module); f; f = LLVMGetNextFunction(f))
    if (!strncmp(LLVMGetValueName(f), "netc_embed_", 11)) LLVMSetLinkage(f, LLVMInternalLinkage);
}

/* Where compilers say who they are: ELF's .comment, WebAssembly's producers. */
static void sign(object *o) {
  LLVMContextRef cx = LLVMGetModuleContext(o->module);
  LLVMMetadataRef text = LLVMMDStringInContext2(cx, o->opt.ident, strlen(o->opt.ident));
  LLVMMetadataRef node = LLVMMDNodeInContext2(cx, &text, 1);
  LLVMAddNamedMetadataOperand(o->module, "llvm.ident", LLVMMetadataAsValue(cx, node));
}

static void build_module(object *o) {
  o->module = module_new(o->machine, o->generator, o->opt.prefix);
  emit_all(o, o->infer.kernels);
  if (o->size.has_train) emit_all(o, o->train.kernels);
  hide_functions(o);
  object_add_functions(o);
  hide_embedded(o);
  sign(o);
  module_passes(o->module, o->generator,
                "globaldce,ipsccp<no-func-spec>,function(early-cse,simplifycfg)");
}

static bool losses_fit(const object *o, char **error) {
  const traincfg *t = &o->g->train;
  for (int i = 0; o->opt.train && i < t->n_loss; i++)
    if (t->loss[i].balanced && !t->loss[i].n_table) {
      *error = allocated(strdup("`weights=balanced` counts samples, which an object does not see: "
                                "give the loss a list of weights"));
      return false;
    }
  return true;
}

object *object_new(const graph *g, const object_options *options, char **error) {
  object *o = allocated(calloc(1, sizeof *o));
  o->g = g;
  o->opt = *options;
  if (!losses_fit(o, error) || !set_machine(o, error)) {
    object_free(o);
    return NULL;
  }
  compile(o, &o->infer, false);
  if (o->opt.train) {
    compile(o, &o->train, true);
    share_kernels(o);
  }
  measure(o);
  if (!state_begins_at_zero(o, error)) {
    object_free(o);
    return NULL;
  }
  build_module(o);
  return o;
}

void object_free(object *o) {
  if (!o) return;
  timing_report("object");
  if (o->module) module_free(o->module);
  if (o->generator) LLVMDisposeTargetMachine(o->generator);
  if (o->infer.mem) compilation_free(&o->infer);
  if (o->train.mem) compilation_free(&o->train);
  machine_free(o->machine);
  free(o);
}

object_sizes object_size(const object *o) { return o->size; }

/* --- its forms --- */

static char *copy_buffer(LLVMMemoryBufferRef b, size_t *n) {
  *n = LLVMGetBufferSize(b);
  char *s = allocated(malloc(*n + 1));
  memcpy(s, LLVMGetBufferStart(b), *n);
  s[*n] = 0;
  LLVMDisposeMemoryBuffer(b);
  return s;
}

static char *generated(const object *o, LLVMCodeGenFileType kind, size_t *n) {
  LLVMMemoryBufferRef b;
  char *why = NULL;
  double start = seconds_worked();
  LLVMModuleRef copy = LLVMCloneModule(o->module); /* code generation changes the module */
  if (LLVMTargetMachineEmitToMemoryBuffer(o->generator, copy, kind, &why, &b))
    internal_error("code", why);
  LLVMDisposeModule(copy);
  timing_add("LLVM code", seconds_worked() - start, (int64_t)LLVMGetBufferSize(b));
  return copy_buffer(b, n);
}

char *object_bytes(const object *o, object_form form, size_t *n) {
  switch (form) {
  case OBJECT_CODE: return generated(o, LLVMObjectFile, n);
  case OBJECT_ASSEMBLY: return generated(o, LLVMAssemblyFile, n);
  case OBJECT_BITCODE: return copy_buffer(LLVMWriteBitcodeToMemoryBuffer(o->module), n);
  case OBJECT_LLVM: {
    char *text = LLVMPrintModuleToString(o->module), *copy = strdup(text);
    LLVMDisposeMessage(text);
    *n = strlen(copy);
    return copy;
  }
  }
  internal_error("object", "a file of no known kind");
}

bool object_calls(const char *code, size_t n, const char *function) {
  LLVMMemoryBufferRef b = LLVMCreateMemoryBufferWithMemoryRangeCopy(code, n, "object");
  char *why = NULL;
  bool found = false;
  LLVMBinaryRef binary = LLVMCreateBinary(b, NULL, &why);
  if (!binary) internal_error("object", why);
  LLVMSymbolIteratorRef s = LLVMObjectFileCopySymbolIterator(binary);
  for (; !LLVMObjectFileIsSymbolIteratorAtEnd(binary, s); LLVMMoveToNextSymbol(s))
    found |= !strcmp(LLVMGetSymbolName(s), function);
  LLVMDisposeSymbolIterator(s);
  LLVMDisposeBinary(binary);
  LLVMDisposeMemoryBuffer(b);
  return found;
}
