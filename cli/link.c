#include "cli/link.h"
#include "runtime/atomic_file.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *run_linker(const char *cc, char *object, char *library) {
  char *argv[] = {(char *)(uintptr_t)cc, "-shared", "-o", library, object, "-lm", NULL};
  pid_t child;
  int why = posix_spawnp(&child, cc, NULL, NULL, argv, environ), status;
  if (why) return message("cannot run `%s` to link a shared library: %s", cc, strerror(why));
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return message("cannot wait for `%s`: %s", cc, strerror(errno));
  if (!WIFEXITED(status) || WEXITSTATUS(status))
    return message("`%s -shared` failed; for another machine, set CC to its compiler "
                   "(CC=aarch64-linux-gnu-gcc)",
                   cc);
  return NULL;
}

char *link_shared(const char *code, size_t n, size_t *out_n, char **error) {
  const char *tmp = getenv("TMPDIR"), *cc = getenv("CC");
  char *dir = message("%s/netc-XXXXXX", tmp && *tmp ? tmp : "/tmp"), *bytes = NULL;
  if (!mkdtemp(dir)) {
    *error = message("cannot make a temporary directory: %s", strerror(errno));
    free(dir);
    return NULL;
  }
  char *object = path_join(dir, "network.o"), *library = path_join(dir, "network.so");
  if (atomic_write(object, code, n, error)) {
    *error = run_linker(cc && *cc ? cc : "cc", object, library);
    if (!*error) bytes = read_whole_file(library, (size_t)1 << 40, out_n, error);
  }
  unlink(object);
  unlink(library);
  rmdir(dir);
  free(object);
  free(library);
  free(dir);
  return bytes;
}
