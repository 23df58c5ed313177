/* What is known of processors by their names (cpu.def). */
#ifndef NETC_CPU_H
#define NETC_CPU_H
#include <stdbool.h>
/* The triple to take when only the processor was named, or NULL: this machine's. */
const char *cpu_triple(const char *cpu);
/* The processor to take when only the triple was given. */
const char *cpu_default(const char *triple);
/* Features that follow from the name, in LLVM's notation; "" for a processor that is not listed. */
const char *cpu_features(const char *triple, const char *cpu);
/* Every listed processor in the order of the table; false beyond the last one. */
bool cpu_listed(int i, const char **arch, const char **name);
#endif
