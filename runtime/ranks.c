#include "ranks.h"
#include "base/source.h"
#include "file.h"
#include "message.h"
#include "sha256.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static ranks here;

/* "openmpi" or "mpich" by what the launcher leaves in the environment of each process; NULL: none,
   or only one process. */
static const char *launcher(void) {
  static const struct {
    const char *size, *plugin;
  } known[] = {{"OMPI_COMM_WORLD_SIZE", "openmpi"}, {"PMI_SIZE", "mpich"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *n = getenv(known[i].size);
    if (n) return atoi(n) > 1 ? known[i].plugin : NULL;
  }
  /* srun: which PMI it speaks says which library can join. */
  const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
  if (!tasks || atoi(tasks) < 2) return NULL;
  return getenv("PMIX_RANK") ? "openmpi" : getenv("PMI_RANK") ? "mpich" : NULL;
}

/* Beside the program where it was built, or in PREFIX/lib/netc where it is installed. */
static void *open_plugin(const char *name) {
  char exe[4096];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n < 0) return NULL;
  exe[n] = 0;
  *strrchr(exe, '/') = 0;
  char *path[] = {message("%s/../lib/netc/mpi-%s.so", exe, name),
                  message("%s/build/mpi-%s.so", exe, name), message("%s/mpi-%s.so", exe, name)};
  void *plugin = NULL;
  for (int i = 0; i < 3; i++) {
    if (!plugin) plugin = dlopen(path[i], RTLD_NOW | RTLD_GLOBAL);
    free(path[i]);
  }
  return plugin;
}

const ranks *ranks_here(char **error) {
  if (here.api) return &here;
  const char *name = launcher();
  if (!name) return NULL;
  void *plugin = open_plugin(name);
  const ranks_api *(*api)(void) = NULL;
  void *symbol = plugin ? dlsym(plugin, "netc_ranks") : NULL;
  memcpy(&api, &symbol, sizeof api);
  if (!api || api()->version != RANKS_VERSION) {
    *error = message("started by a launcher of %s, but netc's plugin for it is not there%s%s\n"
                     "      = help: `make deps-mpi mpi` builds it; see docs/many-machines.md",
                     name, plugin ? "" : ": ", plugin ? "" : dlerror());
    return NULL;
  }
  here.api = api();
  ranks_must(&here, here.api->start(&here.rank, &here.n), "start");
  return &here;
}

/* Ends every rank. Launchers forward what ranks print, and drop what they have not read when they
   are told to end all: time for them to read it. */
static void end_all(const ranks *r, int status) {
  fflush(NULL);
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  r->api->abort(status);
}

void ranks_must(const ranks *r, int code, const char *what) {
  if (!code) return;
  diag_tell(DIAG_FAILURE,
            "rank %d of %d: MPI cannot %s (error %d): another rank has ended, or cannot be reached",
            r->rank, r->n, what, code);
  end_all(r, 1);
  _exit(1);
}

char *ranks_compare(const ranks *r, const char *text, const char *what) {
  enum { DIGITS = 65 };
  char own[DIGITS], *all = allocate((size_t)r->n * DIGITS), *error = NULL;
  sha256 s;
  sha256_start(&s);
  sha256_add(&s, text, strlen(text));
  sha256_hex(&s, own);
  ranks_must(r, r->api->gather(own, all, DIGITS), "compare the ranks");
  for (int i = 1; i < r->n && !error; i++)
    if (strcmp(all, all + i * DIGITS) != 0)
      error = message("rank %d has another %s than rank 0", i, what);
  free(all);
  return error;
}

/* What this rank wrote to stderr while it was hushed; the real stderr. */
static FILE *kept;
static int terminal = -1;

void ranks_hush(const ranks *r) {
  if (!r->rank) return;
  kept = tmpfile();
  terminal = dup(STDERR_FILENO);
  FILE *nothing = freopen("/dev/null", "w", stdout);
  if (!nothing || !kept || terminal < 0) return;
  fflush(stderr);
  dup2(fileno(kept), STDERR_FILENO);
}

/* Of an error that this rank alone may have: the text, with its number. */
static void show_kept(void) {
  char line[1024];
  FILE *to = terminal >= 0 ? fdopen(terminal, "w") : NULL;
  if (!kept || !to) return;
  fflush(stderr);
  rewind(kept);
  while (fgets(line, sizeof line, kept))
    if (strstr(line, "error:") || strstr(line, "help:"))
      fprintf(to, "[rank %d] %s", here.rank, line);
  fflush(to);
}

void ranks_finish(int status) {
  if (!here.api) return;
  if (status && status < 128) {
    show_kept();
    end_all(&here, status);
  }
  here.api->finish();
}
