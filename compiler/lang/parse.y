/* One grammar for the layer language and the operator notation. It knows structure, and no
   operator's name; what the words mean is decided in expand.c. */
%require "3.8"
%define api.pure full
%define api.prefix {netc_}
%define api.location.type {loc}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param { void *scanner }
%parse-param { parse_state *p }

%code requires {
#include "lang/scan.h"
}
%code {
#define YYMAXDEPTH 8000
#define YYLLOC_DEFAULT(Current, Rhs, N)                                                       \
  do {                                                                                         \
    if (N) {                                                                                   \
      (Current) = YYRHSLOC(Rhs, 1);                                                            \
      loc end_ = YYRHSLOC(Rhs, N);                                                             \
      if (end_.line == (Current).line && end_.col + end_.len > (Current).col)                 \
        (Current).len = end_.col + end_.len - (Current).col;                                  \
    } else {                                                                                   \
      (Current) = YYRHSLOC(Rhs, 0);                                                            \
      (Current).col += (Current).len;                                                          \
      (Current).len = 0;                                                                       \
    }                                                                                          \
  } while (0)
#include "lang/tree.h"
int netc_lex(NETC_STYPE *v, loc *at, void *scanner);
static void netc_error(loc *at, void *scanner, parse_state *p, const char *message);
#define A (p->s->a)
}

%union {
  const char *text;
  number_token number;
  value *value;
  arg arg;
  arg_list args;
  parameter parameter;
  parameter_list parameters;
  stmt *stmt;
  stmt_list stmts;
  xexpr *x;
  xexpr_list xs;
  opaxis axis;
  axis_list axes;
  opstmt *opstmt;
  opstmt_list opstmts;
  order_list order;
  combiner comb;
  opdecl *decl;
  optest_input dims;
  onnx_arg onnx_arg;
  onnx_step onnx_step;
}

%token WHOLE_FILE "start of a file" ONLY_VALUES "start of a value"
%token YYEOF 0 "end of the file"
%token FROZEN "`frozen`"
%token INCLUDE "`include`" LET "`let`" BLOCK "`block`" REPEAT "`repeat`" TRAIN "`train`"
%token SWEEP "`sweep`" TEST "`test`" PARAM "`param`" STATE "`state`" FILE_ORDER "`file`"
%token WHEN "`when`" INT "`int`" PAIR "`pair`" AS "`as`"
%token FOR "`for`" IF "`if`" ELSE "`else`" INFER "`infer`" NEED "`need`" ONNX "`onnx`"
%token MAX_SET "`max=`" SUM_SET "`+=`" ARROW "`->`" EVERY "`..`"
%token EQ "`==`" NE "`!=`" LE "`<=`" GE "`>=`"
%token ';' "`;`" ':' "`:`" '{' "`{`" '}' "`}`" '(' "`(`" ')' "`)`" '[' "`[`" ']' "`]`"
%token '|' "`|`"
%token '=' "`=`" ',' "`,`" '~' "`~`" '<' "`<`" '>' "`>`" '+' "`+`" '-' "`-`" '*' "`*`" '/' "`/`"
%token BAD "a character that is not part of the language"
%token OPEN_STRING "a string without its closing quote"
%token <text> BAD_NUMBER "a malformed number"
%token <text> OP "`op`" NAME "a name" SHAPE "a shape" STRING "a string" REF "an @reference"
%token <text> PACK "several dimensions (`S..`)"
%token <number> NUMBER "a number"

%type <stmts> items stmts stmts1 body
%type <stmt> item stmt core
%type <parameters> params params1
%type <parameter> param
%type <args> args
%type <arg> arg
%type <value> val atom simple unnamed
%type <number> signed
%type <x> expr prim read condition init_arg pairable index
%type <xs> exprs indices
%type <text> when_word dim_name
%type <axes> axes axis_clause decl_dims dim_names
%type <axis> axis
%type <opstmts> opstmts opblock else_clause
%type <opstmt> opstmt nest
%type <comb> comb
%type <order> order_clause order order_group
%type <decl> decl
%type <dims> counts
%type <onnx_arg> onnx_arg onnx_value
%type <onnx_step> onnx_args

%nonassoc EQ NE '<' LE '>' GE
%left '+' '-'
%left '*' '/'
%precedence NEGATE
%%
start : WHOLE_FILE items                  { p->out->body = $2.first; }
      | ONLY_VALUES args                  { p->values = $2; }
      ;

/* --- the layer language --- */
items : %empty                            { $$ = (stmt_list){0}; }
      | items item                        { $$ = stmts_add($1, $2); }
      | items operator                    { $$ = $1; }
      | items test                        { $$ = $1; }
      | items ';'                         { $$ = $1; }
      | items error ';'                   { $$ = $1; yyerrok; }
      ;
item  : INCLUDE STRING ';'                { $$ = new_include(p, @1, $2, @2); }
      | LET NAME '=' val ';'
                                          { $$ = new_stmt(p, S_LET, @1, $2, @2);
                                            stmt_value(p, $$, $4); }
      | BLOCK NAME '(' params ')' body    { $$ = new_block(p, @1, $2, @2, $4, $6); }
      | NAME BLOCK NAME '(' params ')' body
                                          { $$ = new_block(p, @2, $3, @3, $5, $7);
                                            stmt_shared(p, $$, $1, @1); }
      | TRAIN body
                                          { $$ = new_stmt(p, S_TRAIN, @1, "train", @1);
                                            $$->body = $2.first; }
      | SWEEP NAME body
                                          { $$ = new_stmt(p, S_SWEEP, @1, $2, @2);
                                            $$->body = $3.first; }
      | stmt
      ;
params : %empty                           { $$ = (parameter_list){0}; }
       | params1
       ;
params1 : param                           { $$ = (parameter_list){0}; PUSH(A, $$.v, $$.n, $1); }
        | params1 ',' param               { $$ = $1; PUSH(A, $$.v, $$.n, $3); }
        ;
param : NAME                              { $$ = (parameter){$1, @1, NULL}; }
      | NAME '=' atom                     { $$ = (parameter){$1, @1, $3}; }
      ;
body  : '{' stmts '}'                     { $$ = $2; }
      | '{' stmts error '}'               { $$ = $2; yyerrok; }
      ;
stmts : %empty                            { $$ = (stmt_list){0}; }
      | stmts stmt                        { $$ = stmts_add($1, $2); }
      | stmts ';'                         { $$ = $1; }
      | stmts error ';'                   { $$ = $1; yyerrok; }
      ;
stmt  : core
      | NAME ':' core                     { $$ = $3; $$->label = $1; $$->label_at = @1; }
      ;
core  : NAME args ';'
                                          { $$ = new_stmt(p, S_CALL, @1, $1, @1);
                                            stmt_args($$, $2); }
      | NAME '=' val args ';'
                                          { $$ = new_stmt(p, S_CALL, @1, $1, @1);
                                            stmt_value(p, $$, $3); stmt_more(p, $$, $4); }
      | REPEAT atom body
                                          { $$ = new_stmt(p, S_REPEAT, @1, "repeat", @1);
                                            stmt_value(p, $$, $2); $$->body = $3.first; }
      | REPEAT atom NAME body
                                          { $$ = new_stmt(p, S_REPEAT, @1, "repeat", @1);
                                            stmt_value(p, $$, $2); $$->body = $4.first;
                                            stmt_shared(p, $$, $3, @3); }
      | FROZEN body
                                          { $$ = new_stmt(p, S_FROZEN, @1, "frozen", @1);
                                            $$->body = $2.first; }
      ;
args  : %empty                            { $$ = (arg_list){0}; }
      | args arg                          { $$ = $1; PUSH(A, $$.v, $$.n, $2); }
      ;
arg   : val                               { $$ = (arg){.v = $1}; }
      | NAME '=' val                      { $$ = (arg){$1, @1, $3}; }
      | TEST '=' val                      { $$ = (arg){"test", @1, $3}; }
      ;
/* Values in braces are a set, {sgd adam}; statements, which end in `;`, are a branch. */
val   : atom
      | '{' unnamed args '}'              { $$ = set_value(p, @$, $2, $3); }
      | '{' NAME args '}'                 { $$ = set_value(p, @$, name_value(p, @2, $2), $3); }
      | '{' '}'                           { $$ = new_value(p, V_BODY, @$); }
      | '{' stmts1 '}'                    { $$ = new_value(p, V_BODY, @$);
                                            $$->body = $2.first; }
      | '{' stmts1 error '}'              { $$ = new_value(p, V_BODY, @$); yyerrok; }
      ;
stmts1 : stmt                             { $$ = stmts_add((stmt_list){0}, $1); }
       | ';'                              { $$ = (stmt_list){0}; }
       | stmts1 stmt                      { $$ = stmts_add($1, $2); }
       | stmts1 ';'                       { $$ = $1; }
       | stmts1 error ';'                 { $$ = $1; yyerrok; }
       ;
atom  : unnamed
      | NAME                              { $$ = name_value(p, @1, $1); }
      ;
unnamed : simple
        | '(' expr ')'                    { $$ = new_value(p, V_EXPR, @$); $$->x = $2; }
        ;
simple : signed                           { $$ = number_value(p, @1, $1); }
       | NUMBER '/' NUMBER                { $$ = ratio_value(p, @$, $1, $3); }
       | NUMBER '/' NUMBER '/' NUMBER     { $$ = parts_value(p, @$, $1, $3, $5); }
       | SHAPE                            { $$ = shape_value(p, @1, $1); }
       | STRING                           { $$ = new_value(p, V_STRING, @1); $$->text = $1; }
       | REF                              { $$ = new_value(p, V_REF, @1); $$->text = $1; }
       ;
signed : NUMBER
       | '-' NUMBER                       { $$ = $2; $$.value = -$2.value; }
       ;

/* --- expressions of both --- */
expr  : prim
      | expr '+' expr                     { $$ = new_binary(p, X_ADD, @$, $1, $3); }
      | expr '-' expr                     { $$ = new_binary(p, X_SUB, @$, $1, $3); }
      | expr '*' expr                     { $$ = new_binary(p, X_MUL, @$, $1, $3); }
      | expr '/' expr                     { $$ = new_binary(p, X_DIV, @$, $1, $3); }
      | expr EQ expr                      { $$ = new_binary(p, X_EQ, @$, $1, $3); }
      | expr NE expr                      { $$ = new_binary(p, X_NE, @$, $1, $3); }
      | expr '<' expr                     { $$ = new_binary(p, X_LT, @$, $1, $3); }
      | expr LE expr                      { $$ = new_binary(p, X_LE, @$, $1, $3); }
      | expr '>' expr                     { $$ = new_binary(p, X_GT, @$, $1, $3); }
      | expr GE expr                      { $$ = new_binary(p, X_GE, @$, $1, $3); }
      | '-' expr %prec NEGATE             { $$ = new_binary(p, X_NEG, @$, $2, NULL); }
      ;
prim  : NUMBER                            { $$ = new_number(p, @1, $1); }
      | NAME                              { $$ = new_name(p, @1, $1); }
      | NAME '(' ')'                      { $$ = new_list(p, X_CALL, @$, $1, (xexpr_list){0}); }
      | NAME '(' exprs ')'                { $$ = new_list(p, X_CALL, @$, $1, $3); }
      | read
      | '(' expr ')'                      { $$ = $2; }
      ;
read  : NAME '[' indices ']'              { $$ = new_list(p, X_READ, @$, $1, $3);
                                            read_every($$); }
      ;
indices : index                           { $$ = (xexpr_list){0}; PUSH(A, $$.v, $$.n, $1); }
        | indices ',' index               { $$ = $1; PUSH(A, $$.v, $$.n, $3); }
        ;
index : expr
      | PACK                              { $$ = new_name(p, @1, $1); }
      | EVERY                             { $$ = new_name(p, @1, ".."); }
      ;
exprs : expr                              { $$ = (xexpr_list){0}; PUSH(A, $$.v, $$.n, $1); }
      | exprs ',' expr                    { $$ = $1; PUSH(A, $$.v, $$.n, $3); }
      ;

/* --- the operator notation --- */
operator : OP NAME { op_begin(p, @1, $1, $2, @2); }
           '(' formals ')' ARROW NAME { p->op->out = $8; } out_dims op_options
           '{' op_items '}'               { op_end(p); }
         ;
formals : formal | formals ',' formal ;
formal : NAME '[' dim_names ']'           { op_input(p, @1, $1, $3, false); }
       | INT NAME '[' dim_names ']'       { op_input(p, @2, $2, $4, true); }
       | INT NAME '[' dim_names ']' NAME NAME
                                          { op_input(p, @2, $2, $4, true);
                                            op_below(p, @6, $6, $7); }
       | NAME                             { op_setting(p, @1, $1, false, NULL); }
       | NAME '=' expr                    { op_setting(p, @1, $1, false, $3); }
         setting_words
       | PAIR NAME                        { op_setting(p, @2, $2, true, NULL); }
       | PAIR NAME '=' expr               { op_setting(p, @2, $2, true, $4); }
         setting_words
       ;
setting_words : %empty
              | setting_words '|' NAME    { op_setting_word(p, @3, $3); }
              ;
dim_names : dim_name
                                          { opaxis x = {$1, NULL, @1};
                                            $$ = axes_add(p, (axis_list){0}, x); }
          | dim_names ',' dim_name        { $$ = axes_add(p, $1, (opaxis){$3, NULL, @3}); }
          ;
dim_name : NAME | PACK
         | EVERY                          { $$ = ".."; }
         ;
out_dims : '[' indices ']'                { op_out(p, @$, $2); }
         ;
op_options : %empty
           | op_options AS STRING         { p->op->title = $3; }
           | op_options NAME STRING       { op_prefix(p, @2, $2, $3); }
           | op_options NAME              { op_kind(p, @2, $2); }
           ;
op_items : %empty
         | op_items PARAM decl            { op_decl(p, $3, false); }
         | op_items STATE decl            { op_decl(p, $3, true); }
         | op_items NEED expr STRING ';'  { op_need(p, @3, $3, $4); }
         | op_items LET NAME '=' expr ';' { op_let(p, @3, $3, $5); }
         | op_items ONNX NAME '=' STRING '(' onnx_args ')' when_clause ';'
                                          { op_onnx(p, @3, $3, $5, $7); }
         | op_items opstmt                { op_body(p, &p->op->body, (opstmt_list){$2, $2}); }
         | op_items TRAIN opblock         { op_body(p, &p->op->train, $3); }
         | op_items INFER opblock         { op_body(p, &p->op->infer, $3); }
         ;
onnx_args : onnx_arg                      { $$ = (onnx_step){0};
                                            PUSH(A, $$.arg, $$.n_arg, $1); }
          | onnx_args ',' onnx_arg        { $$ = $1; PUSH(A, $$.arg, $$.n_arg, $3); }
          ;
onnx_arg : onnx_value
         | NAME '=' onnx_value            { $$ = $3; $$.name = $1; $$.at = @1; }
         ;
onnx_value : expr                         { $$ = (onnx_arg){.at = @1};
                                            PUSH(A, $$.x, $$.n, $1); }
           | STRING                       { $$ = (onnx_arg){.text = $1, .at = @1}; }
           | '[' indices ']'              { $$ = (onnx_arg){.list = true, .n = $2.n, .x = $2.v,
                                                            .at = @1}; }
           ;
decl  : NAME decl_dims order_clause when_clause '~' init_arg ';'
                                          { $$ = new_decl(p, @1, $1, $2, $3, $6); }
      ;
decl_dims : '[' EVERY ']'                 { $$ = (axis_list){.every = true}; }
          | '[' axes ']'                  { $$ = $2; }
          ;
order_clause : %empty                     { $$ = (order_list){0}; }
             | FILE_ORDER when_word       { $$ = order_word(p, @2, $2); }
             | FILE_ORDER '[' order ']'   { $$ = $3; $$.at = @3; }
             ;
when_word : NAME ;
order : dim_name                          { $$ = order_add(p, (order_list){0}, $1, true); }
      | '(' order_group ')'               { $$ = $2; }
      | order ',' dim_name                  { $$ = order_add(p, $1, $3, true); }
      | order ',' '(' order_group ')'     { $$ = order_join(p, $1, $4); }
      ;
order_group : dim_name                    { $$ = order_add(p, (order_list){0}, $1, true); }
            | order_group ',' dim_name    { $$ = order_add(p, $1, $3, false); }
            ;
when_clause : %empty                      { p->when = NULL; }
            | WHEN condition              { p->when = $2; }
            ;
condition : expr ;
init_arg : expr ;
opblock : '{' opstmts '}'                 { $$ = $2; }
        ;
opstmts : %empty                          { $$ = (opstmt_list){0}; }
        | opstmts opstmt                  { $$ = opstmts_add($1, $2); }
        ;
opstmt : nest
       | NAME axis opblock                { $$ = new_scan(p, @1, $1, $2, $3); }
       | IF condition opblock else_clause { $$ = new_if(p, @1, $2, $3, $4); }
       ;
else_clause : %empty                      { $$ = (opstmt_list){0}; }
            | ELSE opblock                { $$ = $2; }
            ;
nest  : read comb expr axis_clause ';'    { $$ = new_nest(p, @1, $1, $2, $3, $4); }
      ;
comb  : '='                               { $$ = COMB_SET; }
      | SUM_SET                           { $$ = COMB_SUM; }
      | MAX_SET                           { $$ = COMB_MAX; }
      ;
axis_clause : %empty                      { $$ = (axis_list){0}; }
            | FOR axes                    { $$ = $2; }
            ;
axes  : axis                              { $$ = axes_add(p, (axis_list){0}, $1); }
      | axes ',' axis                     { $$ = axes_add(p, $1, $3); }
      ;
axis  : NAME ':' expr                     { $$ = (opaxis){$1, $3, @1}; }
      | PACK ':' PACK                     { $$ = (opaxis){$1, new_name(p, @3, $3), @1}; }
      ;

test  : TEST NAME { test_begin(p, @1, $2, @2); } '(' test_args ')' ';' { test_end(p); }
      ;
test_args : test_arg | test_args ',' test_arg ;
test_arg : NAME '[' counts ']'            { test_input(p, $3); }
         | pairable                       { test_setting(p, NULL, $1); }
         | NAME '=' pairable              { test_setting(p, $1, $3); }
         ;
counts : NUMBER                           { $$ = counts_add(p, @1, (optest_input){0}, $1); }
       | counts ',' NUMBER                { $$ = counts_add(p, @3, $1, $3); }
       ;
pairable : signed                         { $$ = new_number(p, @1, $1); }
         | SHAPE                          { $$ = new_pair(p, @1, $1); }
         ;
%%
/* Values may stand in so many places that naming each kind of value would hide the rest. */
static bool is_value_token(yysymbol_kind_t k) {
  return k == YYSYMBOL_NUMBER || k == YYSYMBOL_NAME || k == YYSYMBOL_SHAPE ||
         k == YYSYMBOL_STRING || k == YYSYMBOL_REF ||
         !strcmp(yysymbol_name(k), "`-`") || !strcmp(yysymbol_name(k), "`(`");
}

static const char *expected_words(parse_state *p, const yypcontext_t *c) {
  yysymbol_kind_t want[64];
  const char *word[64];
  int n = yypcontext_expected_tokens(c, want, 64), n_word = 0, n_value = 0;
  for (int i = 0; i < n; i++) n_value += is_value_token(want[i]);
  bool values = n_value > 3, end = false;
  for (int i = 0; i < n; i++) end |= !strcmp(yysymbol_name(want[i]), "`;`");
  if (values && end) return "`;`";
  if (values) word[n_word++] = "a value";
  for (int i = 0; i < n; i++)
    if (!values || !is_value_token(want[i])) word[n_word++] = yysymbol_name(want[i]);
  if (!n_word || n_word > 6) return NULL;
  const char *s = word[0];
  for (int i = 1; i < n_word; i++)
    s = arena_printf(A, "%s%s%s", s, i == n_word - 1 ? " or " : ", ", word[i]);
  return s;
}

static const char *without_article(const char *name) {
  return !strncmp(name, "a ", 2) ? name + 2 : !strncmp(name, "an ", 3) ? name + 3 : name;
}

static int yyreport_syntax_error(const yypcontext_t *c, void *scanner, parse_state *p) {
  (void)scanner;
  if (p->n_syntax_error++ >= 10) return 0;
  yysymbol_kind_t got = yypcontext_token(c);
  loc at = *yypcontext_location(c);
  if (got == YYSYMBOL_OPEN_STRING) {
    diag_error(p->s->d, at, "a string ends on its own line, with `\"`", "this string has no end");
  } else if (got == YYSYMBOL_BAD_NUMBER) {
    diag_error(p->s->d, at, number_help(p->s->d, at), "malformed number");
  } else if (got == YYSYMBOL_BAD) {
    diag_error(p->s->d, at, syntax_help(A, p->s->d, at),
               "this character is not part of the language");
  } else {
    const char *want = expected_words(p, c);
    diag_error(p->s->d, at, syntax_help(A, p->s->d, at), "unexpected %s%s%s",
               got < 0 ? "text" : without_article(yysymbol_name(got)),
               want ? "; expected " : "", want ? want : "");
    const bool open = got == YYSYMBOL_YYEOF && note_open_brace(p->s->d, at.file);
    if (!open && want && strstr(want, "`;`")) note_missing_end(p->s->d, at);
  }
  return 0;
}

static void netc_error(loc *at, void *scanner, parse_state *p, const char *message) {
  (void)scanner;
  bool deep = strstr(message, "exhausted") != NULL;
  diag_error(p->s->d, *at, NULL, "%s", deep ? "nested too deeply to read" : message);
}
