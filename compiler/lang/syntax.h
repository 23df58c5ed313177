/* The layer language as a tree: what parse.y builds, and expand.c and fmt.c read. */
#ifndef NETC_SYNTAX_H
#define NETC_SYNTAX_H
#include "ast.h"

typedef enum {
  V_NUM,    /* num */
  V_NAME,   /* text */
  V_SHAPE,  /* dim[n_dim]: 3x32x32 */
  V_RATIO,  /* num / den: 800/205 */
  V_PARTS,  /* num / den / third: 800/100/105 */
  V_STRING, /* text, without its quotes */
  V_REF,    /* text: the label after @ */
  V_EXPR,   /* x: arithmetic in parentheses */
  V_SET,    /* {a b c}: item[n] */
  V_BODY    /* {..} of statements: a branch */
} vkind;

typedef struct value {
  vkind kind;
  loc at;
  const char *text;
  double num, den, third;
  int n_dim;
  int64_t dim[6];
  xexpr *x;
  int n;
  struct value **item;
  struct stmt *body;
} value;

typedef struct {
  const char *key; /* NULL: positional, or a bare word */
  loc key_at;
  value *v;
} arg;

typedef struct {
  const char *name;
  loc at;
  value *dflt;
} parameter;

typedef enum { S_INCLUDE, S_LET, S_BLOCK, S_TRAIN, S_SWEEP, S_CALL, S_REPEAT, S_FROZEN } skind;

typedef struct stmt {
  struct stmt *next;
  skind kind;
  loc at;           /* of its first word */
  const char *word; /* the layer, block, let or sweep name */
  loc word_at;
  const char *label; /* `stem: ...` */
  loc label_at;
  int n_arg;
  arg *arg; /* of calls; the value of let, include and repeat is arg[0] */
  int n_param;
  parameter *param; /* of blocks */
  bool shared;      /* a block or repeat: one set of weights */
  struct stmt *body;
} stmt;

typedef struct {
  stmt *body;
  opdef *ops; /* in the order of the text */
} syntax;

/* Parses one source text, already registered with d. False: d has the errors, *out is unusable. */
bool parse_source(arena *a, diag *d, int file, syntax *out);
/* Parses `text` as one or more values, as they stand after a word ("0.07", "{0.1 0.5}", "800/205").
 */
bool parse_values(arena *a, diag *d, int file, int *n, arg **args);
/* syntax_help.c: what may be meant at a place that no sentence fits, or NULL; and notes to the last
   message: the brace that the file leaves open, and the word before a place that lacks its `;`. */
const char *syntax_help(arena *a, const diag *d, loc at);
/* False: none is open. */
bool note_open_brace(diag *d, int file);
void note_missing_end(diag *d, loc at);
/* For digits and letters that are no number. */
const char *number_help(const diag *d, loc at);
/* For a word that is no layer and stands before a `=`: what may be meant; else NULL. */
const char *assignment_help(arena *a, const diag *d, loc at);
#endif
