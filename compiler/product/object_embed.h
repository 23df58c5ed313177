/* The code of runtime/embed inside an object, and the tables that it works on. */
#ifndef NETC_OBJECT_EMBED_H
#define NETC_OBJECT_EMBED_H
#include "weights.h"
#include <llvm-c/Core.h>

/* LLVM IR of runtime/embed, one text a file, made when netc is built (embed.awk). */
extern const char *const embed_ir[];
extern const int embed_ir_n;

/* Links all of it into m. What is not called is dropped later. */
void embed_link(LLVMModuleRef m);
/* A function of it, by name. */
LLVMValueRef embed_function(LLVMModuleRef m, const char *name);

typedef struct {
  LLVMValueRef table, names;
  int n;
} embed_table;
/* The tensors of the params block as constants (embed.h's embed_tensor). */
embed_table embed_tensors(LLVMModuleRef m, const weight_table *w);
/* Bytes as a constant, aligned to 64. */
LLVMValueRef embed_bytes(LLVMModuleRef m, const char *name, const void *bytes, int64_t n);
#endif
