#ifndef NETC_TARGET_H
#define NETC_TARGET_H
#include "nest/schedule.h"
/* The line of target.def for an LLVM triple and feature string. */
const target_info *target_find(const char *triple, const char *features);
#endif
