/* back: LLVM IR -> object code -> this process. */
#include "base/internal.h"
#include "back.h"
#include "base/timing.h"
#include "base/workers.h"
#include "cpu.h"
#include "target.h"
#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The IR is already in SSA form with its operands shared; what is left is address arithmetic. */
#define PASSES "early-cse"

static void require(LLVMErrorRef e, const char *what) {
  if (e) internal_error(what, LLVMGetErrorMessage(e));
}

/* --- machines --- */

/* Our loops carry their addresses already; LLVM's loop strength reduction finds nothing to gain
   there, and takes up to 80% of the time of code generation on long bodies. Scheduling after
   register allocation changes no time that we could measure, and takes a tenth. */
static void quick_codegen(void) {
  const char *options[] = {"netc", "-disable-lsr", "-disable-post-ra"};
  LLVMParseCommandLineOptions(3, options, NULL);
}

static void know_targets(bool all) {
  static bool native_known, all_known;
  if (!native_known) {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    quick_codegen();
    native_known = true;
  }
  if (all && !all_known) {
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
    all_known = true;
  }
}

static char *copy_message(char *llvm_owned) {
  char *s = strdup(llvm_owned);
  LLVMDisposeMessage(llvm_owned);
  return s;
}

/* What follows from the processor's name, and after that what was asked for (the last one wins). */
static char *features_of(const machine *m, const char *asked) {
  const char *known = cpu_features(m->triple, m->cpu), *more = asked ? asked : "";
  char *all = malloc(strlen(known) + strlen(more) + 2);
  sprintf(all, "%s%s%s", known, *known && *more ? "," : "", more);
  return all;
}

machine *machine_new(const char *triple, const char *cpu, const char *features, char **error) {
  machine *m = calloc(1, sizeof *m);
  if (!triple && cpu) triple = cpu_triple(cpu);
  know_targets(triple != NULL);
  m->triple = triple ? LLVMNormalizeTargetTriple(triple) : LLVMGetDefaultTargetTriple();
  LLVMTargetRef t;
  char *why = NULL;
  if (LLVMGetTargetFromTriple(m->triple, &t, &why)) {
    *error = copy_message(why);
    machine_free(m);
    return NULL;
  }
  bool host = !triple && !cpu;
  m->cpu = cpu    ? strdup(cpu)
           : host ? copy_message(LLVMGetHostCPUName())
                  : strdup(cpu_default(m->triple));
  m->features = !host      ? features_of(m, features)
                : features ? strdup(features)
                           : copy_message(LLVMGetHostCPUFeatures());
  m->info = target_find(m->triple, m->features);
  return m;
}

void machine_free(machine *m) {
  if (!m) return;
  if (m->triple) LLVMDisposeMessage(m->triple);
  free(m->cpu);
  free(m->features);
  free(m);
}

LLVMTargetMachineRef machine_generator(const machine *m) {
  LLVMTargetRef t;
  char *why = NULL;
  if (LLVMGetTargetFromTriple(m->triple, &t, &why)) internal_error("target", why);
  /* WebAssembly has one address space of its own: position independence is for its shared
   * libraries. */
  LLVMRelocMode where = strncmp(m->triple, "wasm", 4) ? LLVMRelocPIC : LLVMRelocStatic;
  return LLVMCreateTargetMachine(t, m->triple, m->cpu, m->features, LLVMCodeGenLevelAggressive,
                                 where, LLVMCodeModelDefault);
}

/* --- modules --- */

LLVMModuleRef module_new(const machine *m, LLVMTargetMachineRef tm, const char *name) {
  LLVMModuleRef mod = LLVMModuleCreateWithNameInContext(name, LLVMContextCreate());
  LLVMSetTarget(mod, m->triple);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(tm);
  LLVMSetModuleDataLayout(mod, layout);
  LLVMDisposeTargetData(layout);
  return mod;
}

void module_free(LLVMModuleRef m) {
  LLVMContextRef c = LLVMGetModuleContext(m);
  LLVMDisposeModule(m);
  LLVMContextDispose(c);
}

void module_passes(LLVMModuleRef m, LLVMTargetMachineRef tm, const char *passes) {
  char *why = NULL;
  if (LLVMVerifyModule(m, LLVMReturnStatusAction, &why)) {
    LLVMDumpModule(m);
    internal_error("generated code is invalid", why);
  }
  LLVMDisposeMessage(why);
  double start = seconds_worked();
  LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
  require(LLVMRunPasses(m, passes, tm, o), "passes");
  LLVMDisposePassBuilderOptions(o);
  timing_add("LLVM passes", seconds_worked() - start, 0);
}

void module_optimise(LLVMModuleRef m, LLVMTargetMachineRef tm) { module_passes(m, tm, PASSES); }

LLVMMemoryBufferRef module_object(LLVMModuleRef m, LLVMTargetMachineRef tm) {
  LLVMMemoryBufferRef buf;
  char *why = NULL;
  double start = seconds_worked();
  if (LLVMTargetMachineEmitToMemoryBuffer(tm, m, LLVMObjectFile, &why, &buf))
    internal_error("code", why);
  timing_add("LLVM code", seconds_worked() - start, LLVMGetBufferSize(buf));
  return buf;
}

/* --- loading --- */

struct jit {
  LLVMOrcLLJITRef ll;
};

/* Every n-th kernel from `first` on. */
static void emit_share(LLVMModuleRef mod, const kernel_list *l, const machine *m, int first,
                       int n) {
  double start = seconds_worked();
  bool *done = calloc((size_t)l->n_kernel + 1, 1);
  for (int i = 0; i < l->n_call; i++) {
    int id = l->call[i].k->id;
    if (id % n != first || done[id]) continue;
    done[id] = true;
    emit_kernel(mod, &l->call[i], m->info);
  }
  free(done);
  timing_add("emit", seconds_worked() - start, 0);
}

/* Those as one object: what one core compiles. */
static LLVMMemoryBufferRef compile_share(const kernel_list *l, const machine *m, int first, int n) {
  LLVMTargetMachineRef tm = machine_generator(m);
  LLVMModuleRef mod = module_new(m, tm, "netc");
  emit_share(mod, l, m, first, n);
  module_optimise(mod, tm);
  LLVMMemoryBufferRef object = module_object(mod, tm);
  module_free(mod);
  LLVMDisposeTargetMachine(tm);
  return object;
}

#define ADDRESS(f) {#f, (uintptr_t)(f)}
/* What kernels may call: copies, and functions for which older processors have no instruction. By
   address, for a program that is linked statically has no symbols to look up. */
static void define_library(LLVMOrcLLJITRef j) {
  const struct {
    const char *name;
    uintptr_t at;
  } known[] = {ADDRESS(memcpy), ADDRESS(memset), ADDRESS(memmove), ADDRESS(fma),   ADDRESS(fmaf),
               ADDRESS(floor),  ADDRESS(floorf), ADDRESS(rint),    ADDRESS(rintf), ADDRESS(exp),
               ADDRESS(expf),   ADDRESS(log),    ADDRESS(logf),    ADDRESS(tanh),  ADDRESS(tanhf),
               ADDRESS(sin),    ADDRESS(cos),    ADDRESS(erf)};
  enum { N = sizeof known / sizeof *known };
  LLVMOrcCSymbolMapPair pair[N];
  for (int i = 0; i < N; i++)
    pair[i] = (LLVMOrcCSymbolMapPair){
        LLVMOrcLLJITMangleAndIntern(j, known[i].name),
        {known[i].at, {LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable, 0}}};
  require(LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(j), LLVMOrcAbsoluteSymbols(pair, N)),
          "JIT symbols");
}

static LLVMOrcLLJITRef new_lljit(void) {
  LLVMOrcLLJITRef j;
  require(LLVMOrcCreateLLJIT(&j, LLVMOrcCreateLLJITBuilder()), "JIT");
  define_library(j);
  return j;
}

typedef struct {
  const kernel_list *l;
  const machine *m;
  int shares;
  LLVMMemoryBufferRef *object; /* of every share */
} compilation_work;

static void compile_one(void *self, int me, int group, int share) {
  compilation_work *w = self;
  (void)me, (void)group;
  w->object[share] = compile_share(w->l, w->m, share, w->shares);
}

jit *jit_compile(const kernel_list *l, const machine *m, int threads, kernel_fn *fn) {
  jit *j = calloc(1, sizeof *j);
  int shares = threads > 1 && l->n_kernel > 4 ? 2 : 1;
  LLVMMemoryBufferRef object[2];
  know_targets(false);
  compilation_work w = {l, m, shares, object};
  workers_run(&(shared_work){1, &shares, compile_one, &w}, shares);
  double start = seconds_worked();
  j->ll = new_lljit();
  for (int i = 0; i < shares; i++)
    require(LLVMOrcLLJITAddObjectFile(j->ll, LLVMOrcLLJITGetMainJITDylib(j->ll), object[i]),
            "loading code");
  for (const kernel *k = l->kernels; k; k = k->next) {
    LLVMOrcExecutorAddress at;
    require(LLVMOrcLLJITLookup(j->ll, &at, k->name), k->name);
    fn[k->id] = (kernel_fn)(uintptr_t)at;
  }
  timing_add("LLVM loading", seconds_worked() - start, 0);
  return j;
}

void jit_free(jit *j) {
  if (!j) return;
  require(LLVMOrcDisposeLLJIT(j->ll), "JIT");
  free(j);
}

void dump_code(const kernel_list *l, const machine *m, bool assembly, FILE *to) {
  LLVMTargetMachineRef tm = machine_generator(m);
  LLVMModuleRef mod = module_new(m, tm, "netc");
  emit_share(mod, l, m, 0, 1);
  module_optimise(mod, tm);
  if (assembly) {
    LLVMMemoryBufferRef buf;
    char *why = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(tm, mod, LLVMAssemblyFile, &why, &buf))
      internal_error("assembly", why);
    fwrite(LLVMGetBufferStart(buf), 1, LLVMGetBufferSize(buf), to);
    LLVMDisposeMemoryBuffer(buf);
  } else {
    char *text = LLVMPrintModuleToString(mod);
    fputs(text, to);
    LLVMDisposeMessage(text);
  }
  module_free(mod);
  LLVMDisposeTargetMachine(tm);
}
