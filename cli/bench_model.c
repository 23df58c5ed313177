/* How well the scheduler's cost model foretells times. Absolute times matter little, since it only
   compares tiles; so beside their ratio stands how often it is right about which of two is longer.
 */
#include "cli/bench_model.h"
#include "cli/table.h"
#include <math.h>
#include <stdio.h>

/* Pairs nearer than this are not counted: noise may order them either way. */
static const double apart = 1.5;

static void print_order(const model_row *row, int n) {
  int pairs = 0, alike = 0;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) {
      if (row[i].measured < apart * row[k].measured) continue;
      pairs++;
      alike += row[i].expected > row[k].expected;
    }
  if (pairs)
    printf("of %d pairs that differ by half, the model orders %d as measured: %.0f%%\n", pairs,
           alike, 100.0 * alike / pairs);
}

void print_model(const model_row *row, int n) {
  static const table_column columns[] = {
      {"sum of products", 1, 30, 0}, {"us", 0, 8, 0}, {"model", 0, 8, 0}, {"us / model", 0, 10, 1}};
  table *t = table_new(columns, sizeof columns / sizeof *columns);
  double logs = 0;
  for (int i = 0; i < n; i++) {
    table_add(t, "%s", row[i].name);
    table_add(t, "%.1f", row[i].measured);
    table_add(t, "%.1f", row[i].expected);
    table_add(t, "%.2f", row[i].measured / row[i].expected);
    logs += log(row[i].measured / row[i].expected);
  }
  table_print(t, "--json has everything");
  if (!n) return;
  printf("\nmeasured / model: %.2f in the mean\n", exp(logs / n));
  print_order(row, n);
}
