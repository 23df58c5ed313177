/* How parse.y builds its trees (private to the parser). */
#ifndef NETC_TREE_H
#define NETC_TREE_H
#include "scan.h"

stmt_list stmts_add(stmt_list l, stmt *s);
stmt *new_stmt(parse_state *p, skind kind, loc at, const char *word, loc word_at);
stmt *new_include(parse_state *p, loc at, const char *path, loc path_at);
stmt *new_block(parse_state *p, loc at, const char *name, loc name_at, parameter_list l,
                stmt_list b);
/* `shared`, the one word that may stand at a block or repeat. */
void stmt_shared(parse_state *p, stmt *s, const char *word, loc at);
void stmt_value(parse_state *p, stmt *s, value *v);
void stmt_more(parse_state *p, stmt *s, arg_list l);
void stmt_args(stmt *s, arg_list l);
value *new_value(parse_state *p, vkind kind, loc at);
value *name_value(parse_state *p, loc at, const char *name);
/* {first more ..}; none of them may be named. */
value *set_value(parse_state *p, loc at, value *first, arg_list more);
value *number_value(parse_state *p, loc at, number_token n);
value *ratio_value(parse_state *p, loc at, number_token a, number_token b);
value *parts_value(parse_state *p, loc at, number_token a, number_token b, number_token c);
value *shape_value(parse_state *p, loc at, const char *text);

xexpr *new_number(parse_state *p, loc at, number_token n);
xexpr *new_name(parse_state *p, loc at, const char *name);
xexpr *new_list(parse_state *p, xkind kind, loc at, const char *name, xexpr_list l);
xexpr *new_binary(parse_state *p, xkind kind, loc at, xexpr *a, xexpr *b);
/* `w[..]` is every index of what is written. */
void read_every(xexpr *read);
xexpr *new_pair(parse_state *p, loc at, const char *text);

axis_list axes_add(parse_state *p, axis_list l, opaxis x);
opstmt_list opstmts_add(opstmt_list l, opstmt *s);
opstmt *new_nest(parse_state *p, loc at, xexpr *lhs, combiner c, xexpr *rhs, axis_list l);
/* `scan t:T {..}`; its word is no keyword, so that a tensor may be called scan. */
opstmt *new_scan(parse_state *p, loc at, const char *word, opaxis steps, opstmt_list body);
opstmt *new_if(parse_state *p, loc at, xexpr *cond, opstmt_list then, opstmt_list otherwise);
order_list order_word(parse_state *p, loc at, const char *word);
order_list order_add(parse_state *p, order_list l, const char *name, bool new_group);
order_list order_join(parse_state *p, order_list l, order_list group);
opdecl *new_decl(parse_state *p, loc at, const char *name, axis_list dims, order_list o,
                 xexpr *init);

void op_begin(parse_state *p, loc at, const char *doc, const char *name, loc name_at);
void op_input(parse_state *p, loc at, const char *name, axis_list dims, bool is_int);
/* `of V` after an input of whole numbers: V is the number that they are below. */
void op_below(parse_state *p, loc at, const char *of, const char *name);
void op_setting(parse_state *p, loc at, const char *name, bool pair, xexpr *dflt);
void op_setting_word(parse_state *p, loc at, const char *word);
void op_let(parse_state *p, loc at, const char *name, xexpr *v);
/* `loss` or `optimizer`: words, not keywords, so that a tensor may be called loss. */
/* `weights "attn"`: how the names of its weights begin. */
void op_prefix(parse_state *p, loc at, const char *word, const char *prefix);
void op_kind(parse_state *p, loc at, const char *word);
void op_out(parse_state *p, loc at, xexpr_list dims);
void op_decl(parse_state *p, opdecl *d, bool is_state);
void op_need(parse_state *p, loc at, xexpr *cond, const char *reason);
void op_onnx(parse_state *p, loc at, const char *out, const char *type, onnx_step step);
void op_body(parse_state *p, opstmt **where, opstmt_list l);
void op_end(parse_state *p);

void test_begin(parse_state *p, loc at, const char *name, loc name_at);
void test_input(parse_state *p, optest_input dims);
/* The line belongs to the operator of that name that takes inputs of these ranks. */
void test_end(parse_state *p);
void test_setting(parse_state *p, const char *name, xexpr *v);
optest_input counts_add(parse_state *p, loc at, optest_input l, number_token n);
#endif
