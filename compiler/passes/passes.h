/* The passes, in order. Each takes a program of nests and changes it in place; what it requires is
   what stands above it, and every one keeps what the program computes. pipeline.c is the table. */
#ifndef NETC_PASSES_H
#define NETC_PASSES_H
#include "base/source.h"
#include "nest/schedule.h"
#include "plan.h"

struct graph;
struct metricuse;
struct opuse;

/* lower: graph -> forward nests of one store. `loss` appends the loss operator (training always
   does). NULL if an operator's text is wrong; the graph's diag has the errors. */
nestprog *lower(const struct graph *g, bool train, bool loss, int batch, arena *mem);
/* What a metric's sums, of this shape for a sample, come to over all of them: x are the sums (one
   sample's worth), losses the value. NULL: the total's text is wrong; d has the errors. */
nestprog *total_of(const struct metricuse *m, int rank, const int64_t *dim, diag *d, arena *mem);
/* grad: requires forward nests; appends backward nests (scatters) and the optimizer's updates. The
   optimizer may be NULL (gradients only). False if its text is wrong, as for lower. */
bool grad(nestprog *p, const struct opuse *optimizer);
/* The same without updates: gradients stay, as T_OPT tensors named after their parameters. */
bool gradients(nestprog *p);
/* The updates alone; the gradients are T_OPT tensors that somebody else has filled. */
bool updates(nestprog *p, const struct opuse *optimizer);
/* gather: scatters become nests that write each element once; keeps values up to the order of sums.
 */
void gather(nestprog *p);
/* simplify: requires canonical nests; folds, drops unit axes and dead nests. Fixes the arithmetic.
 */
void simplify(nestprog *p);
/* pick: sums that take one term of many read, or add, by number (nest/picks.h). */
void pick(nestprog *p);
/* order: fixes the order of every sum: lanes, packing copies, sums in two levels. After it only
   winograd changes a bit. */
void order(nestprog *p);
/* fuse: producers into readers, consumers into stores; keeps every bit. */
void fuse(nestprog *p);
/* winograd: sums over 3 or 5 taps in tiles. From here on the bits are fixed. */
void winograd(nestprog *p);
/* stepwise: a network over positions as one loop over them; false, and as it was, if some nest
   reads later ones. */
bool stepwise(nestprog *p);
/* halo: borders of zeros or guards for reads out of range; then strides are known. */
void halo(nestprog *p);
/* skip: requires strides; leaves out zeros and unused values that a selection by position makes. */
void skip_program(nestprog *p);
/* block: requires strides; sums whose operands overflow the second-level cache, in pieces. */
void block_program(nestprog *p, const target_info *t);
/* sched: requires strides; tiles, loops and domains that divide well among `threads`. */
void schedule_program(nestprog *p, const target_info *t, int threads);
/* group: requires schedules; which nests need no barrier between them. */
void group_program(nestprog *p, const target_info *t);
/* plan (plan.h): requires groups; a place in memory for every tensor. */
#endif
