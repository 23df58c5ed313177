/* What ends the program at once: a broken promise of netc's own, or no memory. */
#ifndef NETC_INTERNAL_H
#define NETC_INTERNAL_H

/* Says which invariant (why) of what (a nest, a pass, a table) is broken, and aborts. A mistake of
   netc's: no file that a user gives it may lead here. */
_Noreturn void internal_error(const char *what, const char *why);
/* The machine has no more memory: says so and exits with status 1. */
_Noreturn void out_of_memory(void);
/* p, which is not NULL: else out_of_memory(). */
void *allocated(void *p);
#endif
