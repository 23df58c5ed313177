/* The runs of a comparison, several at a time: a process each, with one thread, so that one that
   fails takes none of the others along. */
#include "cli/settings.h"
#include "base/source.h"
#include "base/timing.h"
#include "cli/study.h"
#include "cli/terminal.h"
#include "runtime/atomic_file.h"
#include "runtime/interrupt.h"
#include "runtime/message.h"
#include "runtime/run_dir.h"
#include "runtime/train.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_INTERRUPTED = 128 };

/* What all processes see: epochs done of every job. */
typedef struct {
  study *s;
  volatile int *epochs_done;
  pid_t *pid; /* of the running jobs; 0: not running */
  int n_job;  /* of this process */
  int next, running, finished, failed;
  double start;
  int epochs_at_start, epochs_all;
} pool;

static void count_epoch(void *self, const epoch_row *rows, int n, int best) {
  (void)rows, (void)best;
  *(volatile int *)self = n;
}

/* The contestant's overrides, with this run's seed and epochs. */
static overrides job_overrides(const job *j) {
  const overrides *from = &j->who->over;
  overrides o = {2, allocate((size_t)(from->n + 2) * sizeof(char *)),
                 allocate((size_t)(from->n + 2) * sizeof(char *))};
  o.word[0] = "seed";
  o.text[0] = message("%llu", (unsigned long long)j->seed);
  o.word[1] = "epochs";
  o.text[1] = message("%d", j->epochs);
  for (int i = 0; i < from->n; i++)
    if (strcmp(from->word[i], "seed") && strcmp(from->word[i], "epochs"))
      o.word[o.n] = from->word[i], o.text[o.n++] = from->text[i];
  return o;
}

/* In a process of its own: one run from beginning to end. Returns the exit status. */
static int run_job(const study *s, const job *j, volatile int *epochs_done) {
  workload w;
  overrides over = job_overrides(j);
  train_flags f = s->flags;
  f.threads = 1;
  char *error = NULL;
  if (!make_directories(j->dir, &error) || !run_dir_lock(j->dir, &error))
    return report_failure(error);
  if (!workload_open(&w, j->who->path, &f, &over)) return EXIT_WRONG_INPUT;
  run_settings r = describe_run(&w, &f);
  train_observer observer = {.self = (void *)epochs_done, .epoch = count_epoch};
  train_options o = {.g = w.g,
                     .ds = w.ds,
                     .sp = w.sp,
                     .dir = j->dir,
                     .weights = f.weights,
                     .resume = true,
                     .shuffle = f.shuffle,
                     .results_only = true,
                     .threads = 1,
                     .n_setting = r.n,
                     .setting = r.setting,
                     .about = r.about,
                     .observer = &observer};
  train_result result;
  train_network(&o, &result);
  if (result.outcome == TRAIN_FAILED) return report_failure(result.error);
  return result.outcome == TRAIN_INTERRUPTED ? STATUS_INTERRUPTED + interrupt_signal() : EXIT_DONE;
}

static void start_job(pool *p, int i) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it does not go on where the comparison was killed */
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    _exit(run_job(p->s, &p->s->job[i], &p->epochs_done[i]));
  }
  if (pid < 0) {
    diag_tell(DIAG_FAILURE, "cannot start a process: %s", strerror(errno));
    p->failed++;
    return;
  }
  p->pid[i] = pid;
  p->running++;
}

static void draw(const pool *p) {
  int epochs = 0;
  for (int i = 0; i < p->s->n_job; i++) epochs += p->epochs_done[i];
  double share = p->epochs_all ? (double)epochs / p->epochs_all : 1;
  double fresh = epochs - p->epochs_at_start, spent = seconds_now() - p->start;
  double left = fresh > 0 ? spent / fresh * (p->epochs_all - epochs) : 0;
  char bar[41], text[160], time[32];
  snprintf(text, sizeof text, " %d/%d runs, %d/%d epochs, %s left", p->finished, p->n_job, epochs,
           p->epochs_all, fresh > 0 ? duration_text(time, left) : "?");
  const int room = terminal_columns(stderr) - 3 - (int)strlen(text);
  fputc('\r', stderr);
  if (room >= 4) fprintf(stderr, "[%s]", bar_text(bar, room > 40 ? 40 : room, share));
  fprintf(stderr, "%.*s\033[K", room < 0 ? (int)strlen(text) + room : (int)strlen(text), text);
  fflush(stderr);
}

/* Takes in the end of one process, if one has ended. */
static bool reap(pool *p) {
  int status;
  pid_t pid = waitpid(-1, &status, WNOHANG);
  if (pid <= 0) return false;
  for (int i = 0; i < p->s->n_job; i++) {
    if (p->pid[i] != pid) continue;
    p->pid[i] = 0;
    p->running--;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
    bool interrupted = WIFEXITED(status) && WEXITSTATUS(status) > STATUS_INTERRUPTED;
    p->finished += ok;
    if (ok) p->epochs_done[i] = p->s->job[i].epochs; /* also where it stopped early */
    if (ok || interrupted) return true;
    p->failed++;
    diag_tell(DIAG_FAILURE, "the run of `%s` with seed %llu failed", p->s->job[i].who->label,
              (unsigned long long)p->s->job[i].seed);
  }
  return true;
}

static void pass_on(const pool *p, int signal) {
  for (int i = 0; i < p->s->n_job; i++)
    if (p->pid[i]) kill(p->pid[i], signal);
}

/* The number of a run that nobody has begun: the next one, or, of several ranks, each takes
 * another. */
static int next_job(pool *p) {
  const ranks *r = p->s->ranks;
  int i = p->next + 1;
  if (r) ranks_must(r, r->api->take(&i), "take a run");
  return i;
}

static void run_pool(pool *p) {
  const bool terminal = isatty(STDERR_FILENO);
  bool told = false;
  p->next = -1;
  p->next = next_job(p);
  while (p->next < p->s->n_job || p->running) {
    bool stop = interrupt_signal() || p->failed;
    while (!stop && p->running < p->s->flags.threads && p->next < p->s->n_job) {
      if (!p->s->job[p->next].done && !p->s->job[p->next].elsewhere) start_job(p, p->next);
      p->next = next_job(p);
    }
    if (stop && !p->running) break;
    if (interrupt_signal() && !told) {
      pass_on(p, SIGTERM);
      told = true;
    }
    if (!reap(p)) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    if (terminal) draw(p);
  }
  if (terminal) fputs("\r\033[K", stderr);
}

static void print_plan(const pool *p) {
  const study *s = p->s;
  char *part = s->shard ? message("part %d of %d: ", s->shard, s->n_shard) : message("%s", "");
  print_line(stderr, 2,
             "%s%d run%s of %d network%s, %d of them done before; seeds: %d; results in %s", part,
             p->n_job, p->n_job == 1 ? "" : "s", s->n, s->n == 1 ? "" : "s", p->finished, s->n_seed,
             s->dir);
  free(part);
}

int study_train(study *s) {
  pool p = {.s = s, .start = seconds_now(), .pid = allocate((size_t)s->n_job * sizeof(pid_t))};
  const size_t bytes = (size_t)(s->n_job + 1) * sizeof(int);
  p.epochs_done = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p.epochs_done == MAP_FAILED) return report_failure(message("out of memory"));
  for (int i = 0; i < s->n_job; i++) {
    if (s->job[i].elsewhere) continue;
    p.n_job++;
    p.epochs_all += s->job[i].epochs;
    p.finished += s->job[i].done;
    if (s->job[i].done) p.epochs_at_start += p.epochs_done[i] = s->job[i].epochs;
  }
  print_plan(&p);
  interrupt_watch();
  run_pool(&p);
  munmap((void *)p.epochs_done, bytes);
  free(p.pid);
  if (interrupt_signal()) {
    fprintf(stderr, "interrupted; the same command goes on from here\n");
    return STATUS_INTERRUPTED + interrupt_signal();
  }
  return p.failed ? EXIT_WRONG_INPUT : EXIT_DONE;
}
