/* Ctrl-C, SIGTERM, and the terminal's hanging up: the first asks for a clean end, a second one ends
   the process at once. */
#ifndef NETC_INTERRUPT_H
#define NETC_INTERRUPT_H
void interrupt_watch(void);
int interrupt_signal(void); /* 0, or the signal that came */
#endif
