#include "cli/inference.h"
#include "runtime/weight_file.h"

static void allocate_all(inference *f, const graph *g, int batch) {
  const program *p = f->b.p;
  const size_t n = (size_t)batch, sample = (size_t)(g->h * g->w * g->c) * sizeof(float);
  const size_t logits = n * (size_t)g->classes * sizeof(float);
  memory_reserve(&f->memory, memory_rounded(program_params_bytes(p)) +
                                 memory_rounded(program_work_bytes(p)) +
                                 memory_rounded(n * sample) + memory_rounded(logits) +
                                 2 * memory_rounded(n * sizeof(float)));
  f->params = memory_take(&f->memory, program_params_bytes(p));
  f->b.work = memory_take(&f->memory, program_work_bytes(p));
  f->b.x = memory_take(&f->memory, n * sample);
  f->b.logits = memory_take(&f->memory, logits);
  f->b.losses = memory_take(&f->memory, n * sizeof(float));
  f->b.labels = memory_take(&f->memory, n * sizeof(int32_t));
  f->b.classes = (int)g->classes;
}

bool inference_open(inference *f, const graph *g, int batch, bool loss, int threads,
                    const char *weights, char **error) {
  program_options o = {.loss = loss, .batch = batch, .threads = threads};
  *f = (inference){.b.p = program_build(g, &o)};
  allocate_all(f, g, batch);
  if (weights_load(f->b.p, weights, f->params, error)) return true;
  inference_close(f);
  return false;
}

void inference_close(inference *f) {
  program_free(f->b.p);
  memory_release(&f->memory);
  *f = (inference){0};
}
