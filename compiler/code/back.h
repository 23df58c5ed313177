/* The LLVM end of the pipeline: machines, object code, and loading it into this process. */
#ifndef NETC_BACK_H
#define NETC_BACK_H
#include "emit.h"
#include <llvm-c/TargetMachine.h>

typedef struct {
  char *triple, *cpu, *features;
  const target_info *info;
  bool quick; /* generate code in half of the time; it runs slowly */
} machine;

/* NULL for what is not given: this machine's, or what cpu.def says of what is given. Without a
   triple only this machine's code generator is set up, which is quicker. NULL with *error malloc'd
   if LLVM does not have the target. */
machine *machine_new(const char *triple, const char *cpu, const char *features, char **error);
void machine_free(machine *m);
/* A code generator for m; each thread needs its own. */
LLVMTargetMachineRef machine_generator(const machine *m);
/* A module set up for m in a fresh context. Dispose of module and context after use. */
LLVMModuleRef module_new(const machine *m, LLVMTargetMachineRef tm, const char *name);
void module_free(LLVMModuleRef m);
/* Aborts on an invalid module (a bug in netc). Kernels need no more: their IR is in SSA form with
   shared operands, and code generation shares the addresses. */
void module_verify(LLVMModuleRef m);
/* ... and runs LLVM passes, named as `opt` names them. */
void module_passes(LLVMModuleRef m, LLVMTargetMachineRef tm, const char *passes);
LLVMMemoryBufferRef module_object(LLVMModuleRef m, LLVMTargetMachineRef tm);

typedef void (*kernel_fn)(void *const *tensors, int64_t begin, int64_t end);
typedef struct jit jit;
/* Compiles the kernels on up to `threads` cores and loads them; fn[k->id] is kernel k's code. */
jit *jit_compile(const kernel_list *l, const machine *m, int threads, kernel_fn *fn);
void jit_free(jit *j);
/* All kernels as text, LLVM IR or assembly (--dump=llvm, --dump=asm). */
void dump_code(const kernel_list *l, const machine *m, bool assembly, FILE *to);
#endif
