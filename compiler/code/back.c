/* back: LLVM IR -> object code -> this process. */
#include "base/internal.h"
#include "back.h"
#include "base/timing.h"
#include "base/workers.h"
#include "cache.h"
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
#include <sys/stat.h>

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
  LLVMCodeGenOptLevel level = m->quick ? LLVMCodeGenLevelNone : LLVMCodeGenLevelAggressive;
  return LLVMCreateTargetMachine(t, m->triple, m->cpu, m->features, level, where,
                                 LLVMCodeModelDefault);
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

void module_verify(LLVMModuleRef m) {
  char *why = NULL;
  if (LLVMVerifyModule(m, LLVMReturnStatusAction, &why)) {
    LLVMDumpModule(m);
    internal_error("generated code is invalid", why);
  }
  LLVMDisposeMessage(why);
}

void module_passes(LLVMModuleRef m, LLVMTargetMachineRef tm, const char *passes) {
  module_verify(m);
  double start = seconds_worked();
  LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
  require(LLVMRunPasses(m, passes, tm, o), "passes");
  LLVMDisposePassBuilderOptions(o);
  timing_add("LLVM passes", seconds_worked() - start, 0);
}

LLVMMemoryBufferRef module_object(LLVMModuleRef m, LLVMTargetMachineRef tm) {
  LLVMMemoryBufferRef buf;
  char *why = NULL;
  double start = seconds_worked();
  if (LLVMTargetMachineEmitToMemoryBuffer(tm, m, LLVMObjectFile, &why, &buf))
    internal_error("code", why);
  timing_add("LLVM code", seconds_worked() - start, (int64_t)LLVMGetBufferSize(buf));
  return buf;
}

/* --- loading --- */

struct jit {
  LLVMOrcLLJITRef ll;
  char (*name)[CACHE_NAME]; /* of every kernel's function */
};

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

/* --- compiling what the cache does not hold --- */

/* In one module: more share its cost (a millisecond), fewer share a file and a thread. */
enum { BATCH_KERNELS = 32 };

typedef struct {
  const machine *m;
  char *machine_key;
  int n;                    /* kernels */
  const kernel_call **call; /* of each kernel, the first that uses it */
  cached_kernel *key;
  bool *there;  /* a loaded object holds it */
  int *missing; /* numbers of those that none holds, ordered by batch */
  int n_missing, n_batch;
  LLVMMemoryBufferRef *object; /* of every batch */
} job;

/* This build of netc and that processor, in words. NULL: unknown, keep nothing. */
static char *machine_key(const machine *m) {
  struct stat s;
  char *key;
  if (stat("/proc/self/exe", &s)) return NULL;
  if (asprintf(&key, "%ld.%ld %ld %ld.%ld %d %s %s %s", (long)s.st_dev, (long)s.st_ino,
               (long)s.st_size, (long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec, m->quick,
               m->triple, m->cpu, m->features) < 0)
    out_of_memory();
  return key;
}

static job job_of(jit *to, const kernel_list *l, const machine *m) {
  job j = {.m = m, .n = l->n_kernel, .machine_key = machine_key(m)};
  size_t n = (size_t)j.n + 1;
  j.call = allocated(calloc(n, sizeof *j.call));
  j.key = allocated(calloc(n, sizeof *j.key));
  j.there = allocated(calloc(n, sizeof *j.there));
  j.missing = allocated(calloc(n, sizeof *j.missing));
  to->name = allocated(calloc(n, sizeof *to->name));
  for (int i = 0; i < l->n_call; i++) {
    kernel *k = l->call[i].k;
    if (j.call[k->id]) continue;
    j.call[k->id] = &l->call[i];
    j.key[k->id] = cached_kernel_of(j.machine_key ? j.machine_key : "", k->word, (size_t)k->n_word);
    k->name = memcpy(to->name[k->id], j.key[k->id].name, CACHE_NAME);
  }
  return j;
}

static void job_free(job *j) {
  for (int i = 0; i < j->n; i++) cached_kernel_free(&j->key[i]);
  free(j->machine_key);
  free(j->call);
  free(j->key);
  free(j->there);
  free(j->missing);
  free(j->object);
}

static void load(jit *j, LLVMMemoryBufferRef object) {
  require(LLVMOrcLLJITAddObjectFile(j->ll, LLVMOrcLLJITGetMainJITDylib(j->ll), object),
          "loading code");
}

static void load_cached(jit *to, job *j) {
  for (int i = 0; i < j->n; i++) {
    cached_file f;
    if (j->there[i] || !j->machine_key || !cache_find(&j->key[i], &f)) continue;
    for (int k = i; k < j->n; k++) j->there[k] |= cached_file_holds(&f, &j->key[k]);
    load(to, LLVMCreateMemoryBufferWithMemoryRangeCopy(f.object, f.n_object, "netc"));
    free(f.bytes);
  }
}

static int batch_start(const job *j, int batch) {
  return (int)((int64_t)j->n_missing * batch / j->n_batch);
}

/* One batch as one object. Another file may hold the same kernel: either will do. */
static void compile_batch(void *self, int me, int group, int batch) {
  job *j = self;
  (void)me, (void)group;
  LLVMTargetMachineRef tm = machine_generator(j->m);
  LLVMModuleRef mod = module_new(j->m, tm, "netc");
  double start = seconds_worked();
  for (int i = batch_start(j, batch); i < batch_start(j, batch + 1); i++) {
    const kernel_call *c = j->call[j->missing[i]];
    emit_kernel(mod, c, j->m->info);
    LLVMSetLinkage(LLVMGetNamedFunction(mod, c->k->name), LLVMWeakAnyLinkage);
  }
  timing_add("emit", seconds_worked() - start, 0);
  module_verify(mod);
  j->object[batch] = module_object(mod, tm);
  module_free(mod);
  LLVMDisposeTargetMachine(tm);
}

static void keep_batch(const job *j, int batch) {
  int from = batch_start(j, batch), n = batch_start(j, batch + 1) - from;
  cached_kernel key[BATCH_KERNELS];
  for (int i = 0; i < n; i++) key[i] = j->key[j->missing[from + i]];
  cache_keep(key, n, LLVMGetBufferStart(j->object[batch]), LLVMGetBufferSize(j->object[batch]));
}

/* Several for each thread, for they do not take equal times. */
static int batches(int kernels, int threads) {
  const int each = threads > 1 ? BATCH_KERNELS / 4 : BATCH_KERNELS;
  return (kernels + each - 1) / each;
}

static void compile_missing(jit *to, job *j, int threads) {
  for (int i = 0; i < j->n; i++)
    if (!j->there[i]) j->missing[j->n_missing++] = i;
  if (!j->n_missing) return;
  j->n_batch = batches(j->n_missing, threads);
  j->object = allocated(calloc((size_t)j->n_batch, sizeof *j->object));
  workers_run(&(shared_work){1, &j->n_batch, compile_batch, j}, threads);
  for (int b = 0; b < j->n_batch; b++) {
    if (j->machine_key) keep_batch(j, b);
    load(to, j->object[b]);
  }
}

jit *jit_compile(const kernel_list *l, const machine *m, int threads, kernel_fn *fn) {
  jit *j = calloc(1, sizeof *j);
  know_targets(false);
  j->ll = new_lljit();
  job work = job_of(j, l, m);
  load_cached(j, &work);
  compile_missing(j, &work, threads);
  double start = seconds_worked();
  for (const kernel *k = l->kernels; k; k = k->next) {
    LLVMOrcExecutorAddress at;
    require(LLVMOrcLLJITLookup(j->ll, &at, k->name), k->name);
    fn[k->id] = (kernel_fn)(uintptr_t)at;
  }
  timing_add("LLVM loading", seconds_worked() - start, 0);
  job_free(&work);
  return j;
}

void jit_free(jit *j) {
  if (!j) return;
  require(LLVMOrcDisposeLLJIT(j->ll), "JIT");
  free(j->name);
  free(j);
}

static void emit_all(LLVMModuleRef mod, const kernel_list *l, const machine *m) {
  bool *done = allocated(calloc((size_t)l->n_kernel + 1, 1));
  for (int i = 0; i < l->n_call; i++) {
    if (done[l->call[i].k->id]) continue;
    done[l->call[i].k->id] = true;
    emit_kernel(mod, &l->call[i], m->info);
  }
  free(done);
}

void dump_code(const kernel_list *l, const machine *m, bool assembly, FILE *to) {
  LLVMTargetMachineRef tm = machine_generator(m);
  LLVMModuleRef mod = module_new(m, tm, "netc");
  emit_all(mod, l, m);
  module_verify(mod);
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
