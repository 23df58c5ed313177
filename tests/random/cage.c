/* A judge in a process of its own: an abort, a crash or an endless loop is a verdict. */
#include "judge.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMORY = 4 }; /* GiB */

#ifndef __has_feature
#define __has_feature(x) 0 /* clang's word; gcc defines a macro instead */
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static void limit(int what, rlim_t at) {
  struct rlimit r = {at, at};
  setrlimit(what, &r);
}

static void be_judge(const char *text, const judge_options *o, verdict *v, int errors) {
  dup2(errors, STDERR_FILENO);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, (rlim_t)o->limit + 1);
  if (!sanitized) limit(RLIMIT_AS, (rlim_t)MEMORY << 30); /* its shadow is larger than memory */
  alarm((unsigned)(6 * o->limit) + 600); /* waiting for ever, on a machine that others use too */
  judge(text, o, v);
  _exit(0);
}

/* What the judge printed: from the internal error on, if it met one, else from the beginning. */
static void read_errors(FILE *errors, char *to, size_t size) {
  char *all = NULL;
  size_t room = 0;
  rewind(errors);
  ssize_t n = getdelim(&all, &room, 0, errors);
  const char *from = n > 0 ? strstr(all, "internal error") : NULL;
  snprintf(to, size, "%s", n <= 0 ? "" : from ? from : all);
  for (size_t i = strlen(to); i && to[i - 1] == '\n';) to[--i] = 0;
  free(all);
}

static double children_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_CHILDREN, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void note_end(verdict *v, int status, double limit_seconds, FILE *errors) {
  char said[sizeof v->what - 60];
  v->seconds = children_seconds() - v->seconds;
  if (WIFSIGNALED(status)) {
    int by = WTERMSIG(status);
    bool time = by == SIGALRM || by == SIGXCPU || (by == SIGKILL && v->seconds > limit_seconds);
    v->outcome = time ? TOO_LONG : CRASHED;
  }
  if (v->outcome != CRASHED && v->outcome != REFUSED) return;
  read_errors(errors, said, sizeof said);
  snprintf(v->what, sizeof v->what, "%s%s%s",
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "", *said ? " " : "", said);
}

verdict judge_caged(const char *text, const judge_options *o) {
  verdict *v = mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  FILE *errors = tmpfile();
  if (v == MAP_FAILED || !errors) abort();
  v->seconds = children_seconds();
  fflush(NULL);
  pid_t child = fork();
  int status = 0;
  if (child < 0) abort();
  if (!child) be_judge(text, o, v, fileno(errors));
  waitpid(child, &status, 0);
  note_end(v, status, o->limit, errors);
  fclose(errors);
  verdict result = *v;
  munmap(v, sizeof *v);
  return result;
}
