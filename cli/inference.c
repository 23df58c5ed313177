#include "cli/inference.h"
#include "runtime/weight_file.h"

static void allocate_all(inference *f, program *p, int batch) {
  memory_reserve(&f->memory, memory_rounded(program_params_bytes(p)) +
                                 memory_rounded(program_work_bytes(p)) +
                                 step_buffers_bytes(p, batch));
  f->params = memory_take(&f->memory, program_params_bytes(p));
  void *work = memory_take(&f->memory, program_work_bytes(p));
  step_buffers_take(&f->b, &f->memory, p, batch, work);
}

bool inference_open_as(inference *f, const graph *g, const program_options *o, const char *weights,
                       char **error) {
  *f = (inference){0};
  allocate_all(f, program_build(g, o), o->batch);
  if (weights_load(f->b.p, weights, f->params, error)) return true;
  inference_close(f);
  return false;
}

bool inference_open(inference *f, const graph *g, int batch, bool loss, int threads,
                    const char *weights, char **error) {
  const program_options o = {.loss = loss, .batch = batch, .threads = threads};
  return inference_open_as(f, g, &o, weights, error);
}

void inference_close(inference *f) {
  program_free(f->b.p);
  memory_release(&f->memory);
  *f = (inference){0};
}
