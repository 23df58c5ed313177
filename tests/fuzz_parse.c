/* libFuzzer target: any text is either a network or a clear error, never a crash or a hang.
   Built and run by scripts/fuzz.sh. */
#include "lang/fmt.h"
#include "product/network.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What loads is laid out again to the same network, and to the same text the second time. */
static void check_format(const char *text) {
  arena *a = arena_new();
  diag *d = diag_new(a);
  char *once = format_source(a, d, "once", text);
  if (once) {
    char *twice = format_source(a, d, "twice", once);
    if (!twice || strcmp(once, twice)) abort();
  }
  arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  char *text = malloc(n + 1);
  memcpy(text, data, n);
  text[n] = 0;
  graph *g = graph_load_text("fuzz.net", text, n, NULL);
  if (g && !g->output) abort();
  if (strlen(text) == n) check_format(text);
  graph_free(g);
  free(text);
  return 0;
}
