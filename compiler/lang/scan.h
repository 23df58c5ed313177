/* What the scanner and the parser share while they read one text. */
#ifndef NETC_SCAN_H
#define NETC_SCAN_H
#include "syntax.h"
#include <string.h>

typedef struct {
  arena *a;
  diag *d;
  int file, line, col;
  int start;       /* the token that says what to parse: a file or values */
  bool in_op;      /* between `op` and the end of its body */
  int depth;       /* of braces inside an operator */
  const char *doc; /* the last comment lines, and where they ended */
  int doc_line;
} scan_state;

/* Growing lists while parsing. */
typedef struct {
  int n;
  arg *v;
} arg_list;
typedef struct {
  int n;
  parameter *v;
} parameter_list;
typedef struct {
  stmt *first, *last;
} stmt_list;
typedef struct {
  int n;
  xexpr **v;
} xexpr_list;
typedef struct {
  opstmt *first, *last;
} opstmt_list;
typedef struct {
  int n;
  opaxis *v;
  bool every;
} axis_list;
typedef struct {
  int n;
  const char **name;
  int *group;
  int last_group;
  bool int64;
  loc at;
} order_list;
typedef struct {
  const char *text;
  double value;
} number_token;

typedef struct {
  scan_state *s;
  void *scanner;
  syntax *out;
  opdef *last_op;
  opdef *op;     /* the operator being read */
  optest test;   /* the test line being read ... */
  opdef *tested; /* ... and the operators of its name, from here on; NULL: none */
  xexpr *when;   /* the `when` clause of the declaration being read */
  int n_syntax_error;
  arg_list values; /* when values are parsed */
} parse_state;
#endif
