/* What the parts of the judge share. */
#ifndef CASES_H
#define CASES_H
#include "graph/graph.h"
#include "judge.h"
#include <stddef.h>

/* 0 .. 1; the same for the same two numbers. */
float random_at(uint32_t stream, uint32_t i);
/* Memory of so many bytes, all 0, at a multiple of 64. */
void *zeroed(size_t bytes);
/* False after it noted a difference. */
bool judge_object(const graph *g, int batch, verdict *v);
#endif
