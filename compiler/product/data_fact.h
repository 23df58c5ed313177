/* What is known of the data that a network was trained on, for the programs that will use it:
   names of classes, vocabulary, scale. It stands in ONNX models and in the headers of objects. */
#ifndef NETC_DATA_FACT_H
#define NETC_DATA_FACT_H
#include <stdint.h>

typedef enum { FACT_FLOAT, FACT_WHOLE, FACT_TEXT, FACT_LIST } fact_kind;

typedef struct {
  const char *key, *value; /* as in the metadata of weight files; of a list, JSON */
  const char *macro;       /* of headers, after the prefix: "CLASS_NAMES" */
  const char *what;        /* a comment */
  fact_kind kind;
  char **item; /* UTF-8; of a list */
  int64_t n;
} data_fact;

typedef struct {
  int n;
  data_fact *fact;
} data_facts;
#endif
