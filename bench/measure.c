/* Runs a command and prints its wall time and peak memory as JSON members; its output is dropped.
   Usage: measure COMMAND [ARGUMENT ...]; exit status: 0, or 1 if the command failed. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  double start = now();
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 0), dup2(nowhere, 1), dup2(nowhere, 2);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage use;
  if (wait4(child, &status, 0, &use) != child || status != 0) return 1;
  printf("\"ms\": %.3f, \"peak_mb\": %.1f\n", (now() - start) * 1e3, (double)use.ru_maxrss / 1024);
  return 0;
}
