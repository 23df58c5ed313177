#include "interrupt.h"
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static void on_signal(int signal) { came = signal; }

void interrupt_watch(void) {
  struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
  sigemptyset(&a.sa_mask);
  sigaction(SIGINT, &a, NULL);
  sigaction(SIGTERM, &a, NULL);
  struct sigaction was;
  if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN) /* ignored under nohup */
    sigaction(SIGHUP, &a, NULL);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to tell, not a death */
}

int interrupt_signal(void) { return came; }
