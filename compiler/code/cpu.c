/* The table of processors (cpu.def). */
#include "cpu.h"
#include <stddef.h>
#include <string.h>

typedef struct {
  const char *arch, *name, *features, *triple;
} row;

static const row rows[] = {
#define CPU(arch, name, features, triple) {arch, name, features, triple},
#include "cpu.def"
#undef CPU
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static bool of_arch(const row *r, const char *triple) {
  return !strncmp(triple, r->arch, strlen(r->arch));
}

const char *cpu_triple(const char *cpu) {
  for (int i = 0; i < N_ROWS; i++)
    if (rows[i].triple && strcmp(rows[i].name, "generic") && !strcmp(rows[i].name, cpu))
      return rows[i].triple;
  return NULL;
}

const char *cpu_default(const char *triple) {
  for (int i = 0; i < N_ROWS; i++)
    if (of_arch(&rows[i], triple)) return rows[i].name;
  return "generic";
}

const char *cpu_features(const char *triple, const char *cpu) {
  for (int i = 0; i < N_ROWS; i++)
    if (of_arch(&rows[i], triple) && !strcmp(rows[i].name, cpu)) return rows[i].features;
  return "";
}

bool cpu_listed(int i, const char **arch, const char **name) {
  if (i >= N_ROWS) return false;
  *arch = rows[i].arch;
  *name = rows[i].name;
  return true;
}
