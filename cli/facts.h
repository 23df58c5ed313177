/* What travels with weights, for ONNX models and the headers of objects. */
#ifndef NETC_FACTS_H
#define NETC_FACTS_H
#include "product/data_fact.h"
#include "runtime/safetensors.h"
#include <stdbool.h>

/* Those of a weight file's metadata that netc knows. They point into st. */
data_facts facts_of(const safetensors *st);
/* The same of a file, which is kept open in *st (free it after the facts). False with *error. */
bool facts_read(const char *weights, safetensors **st, data_facts *facts, char **error);
void facts_free(data_facts *f);
#endif
