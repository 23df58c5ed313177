/* The columns that a network was trained on, noted and found again in another table. */
#ifndef NETC_CSV_COLUMNS_H
#define NETC_CSV_COLUMNS_H
#include "field.h"

/* JSON: a list of {"name": .., "words": [..]} for the first n fields. Malloc'd. */
char *columns_note(const field_set *s, int n, bool means);
/* Brings a table into the form of `note`: its columns by name (or, where none of the names is
   there, by place), its words numbered as they were. NULL, or a malloc'd sentence. */
char *columns_conform(field_set *s, const char *note);
/* The mean that the note has of a column; false: it has none. */
bool columns_mean(const char *note, const char *name, double *mean);
/* Is there a column of that name in the note? */
bool columns_have(const char *note, const char *name);
#endif
