#ifndef NETC_MANUAL_H
#define NETC_MANUAL_H
#include "cli/command.h"
#include <stdio.h>

/* The manual page of a command in man(7)'s macros, from the text of its --help; NULL: netc(1). */
void write_manual(FILE *to, const command *c);
/* Completion for the shell, "bash", "zsh" or "fish"; false if there is none for it. */
bool write_completion(FILE *to, const char *shell);
/* The general help. */
void write_overview(FILE *to);
#endif
