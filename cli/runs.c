/* netc runs: every run that a folder holds, sorted and chosen by what their run.json say; and two
   of them held against one another. */
#include "base/internal.h"
#include "cli/command.h"
#include "cli/table.h"
#include "runtime/message.h"
#include "runtime/run_dir.h"
#include <dirent.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_SORT = 1, KEY_WHERE, KEY_COLUMN, KEY_ALL, KEY_DIFF, MAX_WORDS = 16, MAX_DEPTH = 6 };

typedef struct {
  char *dir;
  json_object *record;
} run;

typedef struct {
  const char *sort, *where[MAX_WORDS], *column[MAX_WORDS];
  int n_where, n_column, n_dir, n_run, room;
  bool all, diff, json;
  char **dir;
  run *run;
} runs_command;

static const struct argp_option options[] = {
    {"sort", KEY_SORT, "KEY", 0, "sort by this key; -KEY: the largest first (default: started)", 1},
    {"where", KEY_WHERE, "COND", 0,
     "only runs of which this holds, as in lr=0.07, val_acc>0.9, network!=mlp; may be repeated", 1},
    {"column", KEY_COLUMN, "KEY", 0, "show this key as well; may be repeated", 1},
    {"all", KEY_ALL, 0, 0, "the single runs of comparisons and sweeps as well", 1},
    {"diff", KEY_DIFF, 0, 0, "hold two runs against one another: what differs, side by side", 1},
    {"json", 'j', 0, 0, "print one JSON object instead of a table", 2},
    {0}};

static void push(struct argp_state *state, const char **list, int *n, const char *word) {
  if (*n == MAX_WORDS) argp_error(state, "at most %d of one kind", MAX_WORDS);
  list[(*n)++] = word;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  runs_command *c = state->input;
  switch (key) {
  case KEY_SORT: c->sort = arg; break;
  case KEY_WHERE:
    if (!arg[strcspn(arg, "=<>!")] || strcspn(arg, "=<>!") == 0)
      argp_error(state, "--where takes KEY=VALUE, KEY!=VALUE, KEY<NUMBER or KEY>NUMBER, not `%s`",
                 arg);
    push(state, c->where, &c->n_where, arg);
    break;
  case KEY_COLUMN: push(state, c->column, &c->n_column, arg); break;
  case KEY_ALL: c->all = true; break;
  case KEY_DIFF: c->diff = true; break;
  case 'j': c->json = true; break;
  case ARGP_KEY_ARG: c->dir[c->n_dir++] = arg; break;
  case ARGP_KEY_END:
    if (c->diff && c->n_dir != 2) argp_error(state, "--diff takes two directories of runs");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

const struct argp runs_argp = {
    options,
    parse,
    "[DIR...]",
    "Lists the runs under DIR (default: runs) with what became of them: sorted, filtered, and any "
    "two of them compared."
    "\vKeys are those of run.json: its settings (lr, batch, seed, optimizer ..), its results "
    "(val_acc, val_loss .. of the best epoch, epochs_done, seconds, memory_bytes) and the rest "
    "(network, file, data, started, status, dir).",
    0,
    0,
    0};

/* --- reading --- */

static void add_run(runs_command *c, const char *dir, json_object *record) {
  if (c->n_run == c->room) {
    c->room = c->room ? 2 * c->room : 64;
    c->run = allocated(realloc(c->run, (size_t)c->room * sizeof *c->run));
  }
  c->run[c->n_run++] = (run){message("%s", dir), record};
}

static json_object *read_record(const char *dir) {
  char *path = run_file(dir, "run.json");
  json_object *j = json_object_from_file(path);
  free(path);
  if (j && json_object_is_type(j, json_type_object)) return j;
  json_object_put(j);
  return NULL;
}

static bool is_study(const char *dir) {
  char *path = run_file(dir, "results.json");
  struct stat st;
  bool there = stat(path, &st) == 0;
  free(path);
  return there;
}

static void collect(runs_command *c, const char *dir, int depth) {
  json_object *record = read_record(dir);
  if (record) add_run(c, dir, record);
  if (record || depth == MAX_DEPTH || (!c->all && is_study(dir))) return;
  DIR *d = opendir(dir);
  for (struct dirent *e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    char *path = run_file(dir, e->d_name);
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) collect(c, path, depth + 1);
    free(path);
  }
  if (d) closedir(d);
}

/* What a run's record says of a key: the setting, the result of the best epoch, or the rest. */
static json_object *value_of(const run *r, const char *key) {
  json_object *part, *v;
  if (json_object_object_get_ex(r->record, "settings", &part) &&
      json_object_object_get_ex(part, key, &v) && strcmp(key, "network") != 0)
    return v;
  if (strcmp(key, "seconds") != 0 && json_object_object_get_ex(r->record, "best", &part) &&
      json_object_object_get_ex(part, key, &v))
    return v;
  return json_object_object_get_ex(r->record, key, &v) ? v : NULL;
}

static const char *text_of(const run *r, const char *key) {
  if (!strcmp(key, "dir")) return r->dir;
  json_object *v = value_of(r, key);
  return v ? json_object_get_string(v) : "-";
}

static double number_of(const char *text) {
  char *end;
  double v = strtod(text, &end);
  return end != text && !*end ? v : NAN;
}

/* --- choosing and sorting --- */

static int order(const char *a, const char *b) {
  const double x = number_of(a), y = number_of(b);
  if (!isnan(x) && !isnan(y)) return (x > y) - (x < y);
  return strcmp(a, b);
}

static bool holds(const run *r, const char *condition) {
  const size_t n = strcspn(condition, "=<>!");
  const char *op = condition + n, *value = op + 1 + (op[1] == '=');
  char *key = message("%.*s", (int)n, condition);
  const char *own = text_of(r, key);
  const int way = order(own, value);
  const bool known = strcmp(own, "-") != 0;
  free(key);
  if (*op == '!') return way != 0;
  if (*op == '=') return way == 0;
  return known && ((*op == '<' ? way < 0 : way > 0) || (op[1] == '=' && way == 0));
}

static void choose(runs_command *c) {
  int n = 0;
  for (int i = 0; i < c->n_run; i++) {
    bool ok = true;
    for (int k = 0; k < c->n_where; k++) ok = ok && holds(&c->run[i], c->where[k]);
    run swap = c->run[i];
    if (!ok) continue;
    c->run[i] = c->run[n];
    c->run[n++] = swap;
  }
  for (int i = n; i < c->n_run; i++) {
    free(c->run[i].dir);
    json_object_put(c->run[i].record);
  }
  c->n_run = n;
}

static int by_key(const void *a, const void *b, void *key) {
  const char *word = key;
  const bool down = *word == '-';
  const char *x = text_of(a, word + down), *y = text_of(b, word + down);
  const bool no_x = !strcmp(x, "-"), no_y = !strcmp(y, "-");
  if (no_x != no_y) return no_x ? 1 : -1; /* those without it come last, either way */
  const int way = order(x, y);
  if (way) return down ? -way : way;
  return strcmp(((const run *)a)->dir, ((const run *)b)->dir);
}

/* --- showing --- */

static const table_column shown[] = {
    {"run", 1, 0, 0},     {"network", 1, 0, 5},  {"status", 1, 0, 4},   {"started", 1, 0, 6},
    {"epochs", 0, 0, 3},  {"lr", 0, 0, 7},       {"batch", 0, 0, 8},    {"seed", 0, 0, 9},
    {"val acc", 0, 0, 0}, {"val loss", 0, 0, 2}, {"seconds", 0, 0, 10},
};
static const char *const keys[] = {"dir",   "network", "status",  "started",  "epochs_done", "lr",
                                   "batch", "seed",    "val_acc", "val_loss", "seconds"};
enum { N_SHOWN = sizeof keys / sizeof *keys };

static void add_cell(table *t, const run *r, const char *key) {
  const char *text = text_of(r, key);
  const double v = number_of(text);
  if (!strcmp(key, "started")) table_add(t, "%.10s %.5s", text, strlen(text) > 15 ? text + 11 : "");
  else if (isnan(v) || v == floor(v)) table_add(t, "%s", text);
  else if (!strcmp(key, "seconds")) table_add(t, "%.1f", v);
  else if (!strncmp(key, "val_", 4) || !strncmp(key, "train_", 6)) table_add(t, "%.4f", v);
  else table_add(t, "%.6g", v);
}

/* What only runs of some tasks have; a column where one of those shown has it. */
static const table_column task_shown[] = {
    {"val mae", 0, 0, 1}, {"val R2", 0, 0, 1}, {"val IoU", 0, 0, 1}, {"val F1", 0, 0, 1}};
static const char *const task_keys[] = {"val_mae", "val_r2", "val_iou", "val_f1"};
enum { N_TASK = sizeof task_keys / sizeof *task_keys };

static bool any_has(const runs_command *c, const char *key) {
  for (int i = 0; i < c->n_run; i++)
    if (!isnan(number_of(text_of(&c->run[i], key)))) return true;
  return false;
}

static void print_runs(const runs_command *c) {
  table_column column[N_SHOWN + N_TASK + MAX_WORDS];
  const char *key[N_SHOWN + N_TASK];
  int n = N_SHOWN;
  memcpy(column, shown, sizeof shown);
  memcpy(key, keys, sizeof keys);
  for (int i = 0; i < N_TASK; i++) {
    if (!any_has(c, task_keys[i])) continue;
    key[n] = task_keys[i];
    column[n++] = task_shown[i];
  }
  for (int i = 0; i < c->n_column; i++) column[n + i] = (table_column){c->column[i], 1, 0, 1};
  table *t = table_new(column, n + c->n_column);
  for (int i = 0; i < c->n_run; i++) {
    for (int k = 0; k < n; k++) add_cell(t, &c->run[i], key[k]);
    for (int k = 0; k < c->n_column; k++) add_cell(t, &c->run[i], c->column[k]);
  }
  table_print(t, "--json has everything");
}

static void print_object(const runs_command *c) {
  json_object *j = json_object_new_object(), *list = json_object_new_array();
  for (int i = 0; i < c->n_run; i++) {
    json_object_object_add(c->run[i].record, "dir", json_object_new_string(c->run[i].dir));
    json_object_array_add(list, json_object_get(c->run[i].record));
  }
  json_object_object_add(j, "runs", list);
  print_json(j);
}

/* The keys of one object in which the two runs differ, or which are results. */
static void add_differences(table *t, const run *r, json_object *of, bool results) {
  json_object_object_foreach(of, key, own) {
    (void)own;
    if (json_object_is_type(own, json_type_object) || json_object_is_type(own, json_type_array))
      continue;
    const char *a = text_of(&r[0], key), *b = text_of(&r[1], key);
    if (results ? !strcmp(key, "seconds") : !strcmp(a, b)) continue;
    table_add(t, "%s", key);
    add_cell(t, &r[0], key);
    add_cell(t, &r[1], key);
  }
}

static void print_difference(const runs_command *c) {
  const run *r = c->run;
  const table_column column[] = {{"", 1, 0, 0}, {r[0].dir, 1, 0, 0}, {r[1].dir, 1, 0, 0}};
  table *t = table_new(column, 3);
  json_object *part;
  add_differences(t, r, r[0].record, false);
  if (json_object_object_get_ex(r[0].record, "settings", &part)) add_differences(t, r, part, false);
  if (json_object_object_get_ex(r[0].record, "best", &part)) add_differences(t, r, part, true);
  table_print(t, "--json has everything");
}

static char *read_all(runs_command *c) {
  static char standard[] = "runs";
  if (!c->n_dir) c->dir[c->n_dir++] = standard;
  for (int i = 0; i < c->n_dir; i++) {
    const int before = c->n_run;
    collect(c, c->dir[i], 0);
    if (c->diff && c->n_run != before + 1) return message("`%s` holds no single run", c->dir[i]);
  }
  return c->n_run ? NULL : message("`%s` holds no runs", c->dir[0]);
}

int command_runs(int argc, char **argv) {
  runs_command c = {.sort = "started", .dir = allocate((size_t)(argc + 1) * sizeof(char *))};
  parse_command(&runs_argp, argc, argv, &c);
  char *error = read_all(&c);
  if (!error && c.diff && !c.json) {
    print_difference(&c);
  } else if (!error) {
    choose(&c);
    qsort_r(c.run, (size_t)c.n_run, sizeof *c.run, by_key, (void *)(uintptr_t)c.sort);
    if (c.json) print_object(&c);
    else if (c.n_run) print_runs(&c);
    else fprintf(stderr, "no run of these fits\n");
  }
  for (int i = 0; i < c.n_run; i++) {
    free(c.run[i].dir);
    json_object_put(c.run[i].record);
  }
  free(c.run);
  free(c.dir);
  return error ? report_failure(error) : EXIT_DONE;
}
