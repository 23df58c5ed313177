/* Links the embedded code into an object's module, and writes its tables as constants. */
#include "base/internal.h"
#include "object_embed.h"
#include "lang/ast.h"
#include "runtime/embed/embed.h"
#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>
#include <llvm-c/Target.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void link_text(LLVMModuleRef m, const char *text) {
  LLVMMemoryBufferRef buffer =
      LLVMCreateMemoryBufferWithMemoryRangeCopy(text, strlen(text), "runtime/embed");
  LLVMModuleRef part;
  char *why = NULL;
  if (LLVMParseIRInContext(LLVMGetModuleContext(m), buffer, &part, &why))
    internal_error("embedded code", why);
  LLVMSetTarget(part, LLVMGetTarget(m));
  LLVMSetModuleDataLayout(part, LLVMGetModuleDataLayout(m));
  if (LLVMLinkModules2(m, part)) internal_error("embedded code", "it does not link");
}

void embed_link(LLVMModuleRef m) {
  for (int i = 0; i < embed_ir_n; i++) link_text(m, embed_ir[i]);
}

LLVMValueRef embed_function(LLVMModuleRef m, const char *name) {
  LLVMValueRef f = LLVMGetNamedFunction(m, name);
  if (!f) internal_error("embedded code lacks", name);
  return f;
}

static LLVMValueRef constant(LLVMModuleRef m, const char *name, LLVMValueRef value) {
  LLVMValueRef g = LLVMAddGlobal(m, LLVMTypeOf(value), name);
  LLVMSetInitializer(g, value);
  LLVMSetGlobalConstant(g, 1);
  LLVMSetLinkage(g, LLVMInternalLinkage);
  return g;
}

LLVMValueRef embed_bytes(LLVMModuleRef m, const char *name, const void *bytes, int64_t n) {
  LLVMContextRef cx = LLVMGetModuleContext(m);
  LLVMValueRef g =
      constant(m, name, LLVMConstStringInContext2(cx, (const char *)bytes, (size_t)n, 1));
  LLVMSetAlignment(g, 64);
  return g;
}

/* FIELD by field what embed_tensor holds, so that every machine's byte order is right. */
static embed_tensor describe(const param_info *info, const tensor *t, int32_t name) {
  embed_tensor e = {.count = info->count,
                    .offset = t->offset / 4,
                    .rank = t->rank,
                    .file_rank = info->rank,
                    .init = (float)t->init,
                    .drawn = weight_draws(t),
                    .is_int64 = info->is_int64,
                    .stream = draw_stream(t),
                    .name = name,
                    .name_bytes = (int32_t)strlen(info->name)};
  for (int k = 0; k < t->rank; k++) {
    int d = t->decl && t->decl->n_file ? t->decl->file_dim[k] : k;
    e.extent[k] = (int32_t)t->dim[d];
    e.stride[k] = (int32_t)t->stride[d];
  }
  for (int k = 0; k < info->rank; k++) e.shape[k] = (int32_t)info->shape[k];
  return e;
}

static LLVMValueRef array32(LLVMTypeRef i32, const int32_t *v) {
  LLVMValueRef k[EMBED_RANK];
  for (int i = 0; i < EMBED_RANK; i++) k[i] = LLVMConstInt(i32, (uint64_t)v[i], 1);
  return LLVMConstArray2(i32, k, EMBED_RANK);
}

static LLVMValueRef as_constant(LLVMContextRef cx, const embed_tensor *e) {
  LLVMTypeRef i32 = LLVMInt32TypeInContext(cx), i64 = LLVMInt64TypeInContext(cx);
  LLVMValueRef f[] = {
      LLVMConstInt(i64, (uint64_t)e->count, 1),
      LLVMConstInt(i64, (uint64_t)e->offset, 1),
      LLVMConstInt(i32, (uint64_t)e->rank, 1),
      LLVMConstInt(i32, (uint64_t)e->file_rank, 1),
      array32(i32, e->extent),
      array32(i32, e->stride),
      array32(i32, e->shape),
      LLVMConstReal(LLVMFloatTypeInContext(cx), (double)e->init),
      LLVMConstInt(i32, (uint64_t)e->drawn, 1),
      LLVMConstInt(i32, (uint64_t)e->is_int64, 1),
      LLVMConstInt(i32, e->stream, 0),
      LLVMConstInt(i32, (uint64_t)e->name, 1),
      LLVMConstInt(i32, (uint64_t)e->name_bytes, 1),
  };
  return LLVMConstStructInContext(cx, f, sizeof f / sizeof *f, 0);
}

embed_table embed_tensors(LLVMModuleRef m, const weight_table *w) {
  LLVMContextRef cx = LLVMGetModuleContext(m);
  LLVMValueRef *row = calloc((size_t)w->n + 1, sizeof *row);
  char *names = NULL;
  size_t names_bytes = 0;
  FILE *text = open_memstream(&names, &names_bytes);
  int n = 0;
  if (!row || !text) out_of_memory();
  for (int i = 0; i < w->n; i++) {
    if (w->info[i].in_state) continue;
    embed_tensor e = describe(&w->info[i], w->tensor[i], (int32_t)ftell(text));
    row[n++] = as_constant(cx, &e);
    fputs(w->info[i].name, text);
  }
  fclose(text);
  embed_tensor none = {0};
  LLVMTypeRef type = LLVMTypeOf(n ? row[0] : as_constant(cx, &none));
  embed_table t = {constant(m, "tensors", LLVMConstArray2(type, row, (uint64_t)n)),
                   constant(m, "names", LLVMConstStringInContext2(cx, names, names_bytes, 1)), n};
  free(names);
  free(row);
  return t;
}
