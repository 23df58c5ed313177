/* The names that a text gives and uses, and what stands at a place: by its words alone, so that a
   text which is half typed can be asked as well. */
#ifndef NETC_LSP_NAMES_H
#define NETC_LSP_NAMES_H
#include "cli/lsp_text.h"
#include "lang/opdef.h"

typedef enum {
  LSP_FREE, /* used here and given nowhere in this text: in another file, or not at all */
  LSP_LET,
  LSP_BLOCK,
  LSP_PARAMETER, /* of a block */
  LSP_LABEL,
  LSP_OPERATOR,
  LSP_LOCAL /* inside an operator: a tensor, setting, dimension or axis */
} lsp_kind;

typedef struct {
  lsp_kind kind;
  lsp_word name;   /* where it is given; of what is not, where it is first used */
  lsp_word holder; /* the block or operator that it is a name of; n = 0: none */
  int scope;       /* 0: the whole text; else one block or operator */
  bool given;
} lsp_symbol;

typedef struct {
  lsp_word at;
  int symbol;
  bool brief; /* a setting's letter right before its value, `s2` */
} lsp_use;

typedef struct {
  int n_symbol, n_use;
  lsp_symbol *symbol;
  lsp_use *use;
} lsp_names;

/* ops: every operator that is known, whose settings are no names. */
lsp_names lsp_names_of(arena *a, const char *text, const opdef *ops);
/* The use that holds or ends at a byte; NULL: none. */
const lsp_use *lsp_use_at(const lsp_names *names, const char *at);

typedef enum { LSP_IN_FILE, LSP_IN_TRAIN, LSP_IN_SWEEP, LSP_IN_OPERATOR, LSP_IN_TEXT } lsp_where;
typedef struct {
  lsp_where where;
  lsp_word statement; /* its first word; n = 0: the place is where one begins */
  lsp_word second;    /* the word after it, as `sgd` of `optimizer sgd`; n = 0: not yet */
  int scope;          /* of the names that may be used */
  bool reference;     /* after an @ */
} lsp_place;
/* LSP_IN_TEXT: in a comment or a string. */
lsp_place lsp_place_of(arena *a, const char *text, const char *at);
#endif
