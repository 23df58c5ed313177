/* The table of instruction sets (target.def). */
#include "target.h"
#include <string.h>

typedef struct {
  const char *arch;
  target_info info;
} row;

static const row rows[] = {
#define TARGET(name, arch, feature, lanes, registers, l1, l2, body, fma)                           \
  {arch, {name, feature, lanes, registers, l1, l2, body, fma}},
#include "target.def"
#undef TARGET
};

/* Is +feature in the comma-separated list? The last mention wins, as in LLVM. */
static bool has_feature(const char *list, const char *feature) {
  bool on = false;
  size_t n = strlen(feature);
  for (const char *p = list; *p;) {
    size_t len = strcspn(p, ",");
    if (len == n && !strncmp(p + 1, feature + 1, n - 1)) on = *p == '+';
    p += len;
    if (*p == ',') p++;
  }
  return on;
}

const target_info *target_find(const char *triple, const char *features) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const row *r = &rows[i];
    if (strncmp(triple, r->arch, strlen(r->arch))) continue;
    if (!*r->info.feature || has_feature(features, r->info.feature)) return &r->info;
  }
  return NULL;
}
