/* netc draw: a picture of a network, with shapes and where arithmetic, time and memory go. */
#include "base/internal.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/workload.h"
#include "product/program.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  BOX_W = 300,
  BOX_H = 62,
  GAP_X = 30,
  GAP_Y = 26,
  HEAD = 74,
  BAR = 90,
  SIDE = 24,
  LANES = 16,
  LANE = 8
};
enum { KEY_TIMES = 1 };

typedef struct {
  train_flags f;
  const char *file, *out, *times;
} draw_command;

static const struct argp_option options[] = {
    {"output", 'o', "OUT.svg", 0, "what to write (default: the network's name and .svg)", 1},
    {"times", KEY_TIMES, "FILE", 0,
     "show measured times instead of multiply-adds: the output of `netc bench --json`", 1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  draw_command *c = state->input;
  switch (key) {
  case 'o': c->out = arg; break;
  case KEY_TIMES: c->times = arg; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Draws FILE.net as a picture (SVG): layers and how they hang together, the shape that each one "
    "makes, and its share of the multiply-adds (or of the measured time) and of the memory."
    "\vLayers without weights that only follow another one share its box. Memory: a layer's "
    "parameters and the values that it makes of one sample, as 32-bit numbers.";

const struct argp draw_argp = {options, parse, "FILE.net", doc, 0, 0, 0};

/* A layer and what follows it without weights of its own. */
typedef struct {
  const node *first, *last;
  char *words;
  int row, column;
  double work, bytes; /* shares of the whole */
} box;

typedef struct {
  const graph *g;
  int n, n_row, n_column, n_lane;
  int lane_end[LANES]; /* the row where the last bow of a lane of its own ends */
  box *box;
  int *box_of; /* of every node */
  const char *work_name;
  double all_work, all_bytes; /* microseconds or multiply-adds; bytes */
} picture;

/* An input by the name that its label gives it. */
static const char *input_words(const port *p) {
  if (p && strcmp(p->name, "input") != 0) return p->name;
  return p && p->is_int ? "numbers" : "input";
}

/* "conv k3 s2 p1": the word and those settings that say more than the shape does. */
static char *words_of(const node *n) {
  if (!n->op) return message("%s", input_words(n->port));
  char *text = message("%s", n->op->name);
  for (int i = 0; i < n->n_set; i++) {
    const setting *s = &n->set[i];
    const bool whole = s->v[0] == (double)(int64_t)s->v[0], plain = s->v[0] <= 1 && s->v[1] <= 1;
    if (!strcmp(s->name, "o") || s->v[0] == 0) continue;
    if (whole ? plain && strcmp(s->name, "p") != 0 : n->n_set > 1) continue;
    const char *equals = strlen(s->name) > 1 ? "=" : "";
    char *longer = s->v[0] == s->v[1]
                       ? message("%s %s%s%g", text, s->name, equals, s->v[0])
                       : message("%s %s%s%gx%g", text, s->name, equals, s->v[0], s->v[1]);
    free(text);
    text = longer;
  }
  return text;
}

static int users_of(const graph *g, const node *n) {
  int users = 0;
  for (int i = 0; i < g->n_node; i++)
    for (int k = 0; k < g->node[i]->n_in; k++) users += g->node[i]->in[k] == n;
  return users;
}

/* Does it only pass on what one layer made, value by value, with a few parameters a channel at
 * most? */
static bool joins(const graph *g, const node *n, const int64_t *params) {
  return n->op && n->n_in == 1 && n->in[0]->op && users_of(g, n->in[0]) == 1 &&
         (!n->op->title || shape_elements(&n->shape) == shape_elements(&n->in[0]->shape)) &&
         params[n->id] <= 8 * n->shape.dim[n->shape.rank - 1];
}

static void add_node(picture *p, const node *n, const int64_t *params) {
  char *words = words_of(n);
  if (joins(p->g, n, params)) {
    box *b = &p->box[p->box_of[n->id] = p->box_of[n->in[0]->id]];
    char *longer = message("%s, %s", b->words, words);
    free(b->words);
    free(words);
    b->words = longer;
    b->last = n;
    return;
  }
  box *b = &p->box[p->box_of[n->id] = p->n++];
  *b = (box){.first = n, .last = n, .words = words};
  for (int k = 0; k < n->n_in; k++) {
    const int above = p->box[p->box_of[n->in[k]->id]].row;
    b->row = above + 1 > b->row ? above + 1 : b->row;
  }
}

/* Boxes of one row stand side by side, in the order of the file. */
static void place(picture *p) {
  for (int i = 0; i < p->n; i++) {
    for (int k = 0; k < i; k++) p->box[i].column += p->box[k].row == p->box[i].row;
    p->n_row = p->box[i].row + 1 > p->n_row ? p->box[i].row + 1 : p->n_row;
    p->n_column = p->box[i].column + 1 > p->n_column ? p->box[i].column + 1 : p->n_column;
  }
}

/* The first lane in which no bow lies between these rows; it is taken from now on. */
static int lane_of(picture *p, int from, int to) {
  int lane = 0;
  while (lane < LANES - 1 && from < p->lane_end[lane]) lane++;
  p->lane_end[lane] = to;
  p->n_lane = lane + 1 > p->n_lane ? lane + 1 : p->n_lane;
  return lane;
}

static void count_lanes(picture *p) {
  for (int i = 0; i < p->n; i++)
    for (int k = 0; k < p->box[i].first->n_in; k++) {
      const int from = p->box[p->box_of[p->box[i].first->in[k]->id]].row;
      if (p->box[i].row > from + 1) lane_of(p, from, p->box[i].row);
    }
  memset(p->lane_end, 0, sizeof p->lane_end);
}

static int row_count(const picture *p, int row) {
  int n = 0;
  for (int i = 0; i < p->n; i++) n += p->box[i].row == row;
  return n;
}

static int left_of(const picture *p, const box *b) {
  const int all = p->n_column * BOX_W + (p->n_column - 1) * GAP_X, n = row_count(p, b->row);
  return SIDE + (all - n * BOX_W - (n - 1) * GAP_X) / 2 + b->column * (BOX_W + GAP_X);
}
static int top_of(const box *b) { return HEAD + b->row * (BOX_H + GAP_Y); }

/* --- where arithmetic, time and memory go --- */

static void add_costs(picture *p, const int64_t *params, const int64_t *macs) {
  for (int i = 0; i < p->g->n_node; i++) {
    const node *n = p->g->node[i];
    box *b = &p->box[p->box_of[i]];
    const double bytes = 4 * ((double)params[i] + (double)shape_elements(&n->shape));
    b->work += (double)macs[i];
    b->bytes += bytes;
    p->all_work += (double)macs[i];
    p->all_bytes += bytes;
  }
}

static json_object *field(json_object *o, const char *key) {
  json_object *v;
  return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) ? v
                                                                                           : NULL;
}

/* Puts the times of `netc bench --json` in place of the multiply-adds. */
static bool read_times(picture *p, const char *path, char **error) {
  json_object *j = json_object_from_file(path), *steps = field(j, "steps");
  const bool ok = json_object_is_type(steps, json_type_array);
  p->all_work = 0;
  for (int i = 0; i < p->n; i++) p->box[i].work = 0;
  for (size_t i = 0; ok && i < json_object_array_length(steps); i++) {
    json_object *s = json_object_array_get_idx(steps, i);
    const double us = json_object_get_double(field(s, "us"));
    const char *layer = json_object_get_string(field(s, "layer"));
    p->all_work += us;
    for (int k = 0; layer && k < p->g->n_node; k++)
      if (!strcmp(p->g->node[k]->name, layer)) p->box[p->box_of[k]].work += us;
  }
  json_object_put(j);
  if (!ok) *error = message("`%s` is not what `netc bench --json` writes", path);
  return ok;
}

/* --- drawing --- */

static void escaped(FILE *f, const char *s, int columns) {
  const int n = text_fit(s, columns);
  for (int i = 0; i < n; i++) {
    if (s[i] == '<') fputs("&lt;", f);
    else if (s[i] == '&') fputs("&amp;", f);
    else fputc((unsigned char)s[i] < ' ' ? ' ' : s[i], f);
  }
  if (s[n]) fputs("\xe2\x80\xa6", f);
}

static void shape_of(FILE *f, const node *n) {
  int64_t dim[MAX_RANK];
  const int rank = shape_in_files(&n->shape, n->port && n->port->is_int, dim);
  bool any = false;
  for (int i = 0; i < rank; i++) {
    if (dim[i] == 1 && i && rank > 2) continue;
    fprintf(f, "%s%lld", any ? " \xc3\x97 " : "", (long long)dim[i]);
    any = true;
  }
}

/* A share as a bar and in words. */
static void bar(FILE *f, int x, int y, const char *class, double part, double all,
                const char *what) {
  const double share = all > 0 ? part / all : 0;
  fprintf(f,
          "<rect class=\"track\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"5\" rx=\"2\"/>"
          "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"5\" rx=\"2\"/>"
          "<text class=\"small\" x=\"%d\" y=\"%d\">%.*f %% %s</text>\n",
          x, y, BAR, class, x, y, BAR * share, x, y + 17, share < 0.0995 ? 1 : 0, 100 * share,
          what);
}

static void draw_box(FILE *f, const picture *p, const box *b) {
  const int x = left_of(p, b), y = top_of(b);
  fprintf(f,
          "<g><title>%s</title><rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
          "rx=\"6\"/><text x=\"%d\" y=\"%d\">",
          b->first->name, x, y, BOX_W, BOX_H, x + 10, y + 19);
  escaped(f, b->words, 25);
  fprintf(f, "</text><text class=\"shape\" x=\"%d\" y=\"%d\" text-anchor=\"end\">", x + BOX_W - 10,
          y + 19);
  shape_of(f, b->last);
  fputs("</text>\n", f);
  if (b->first->op) bar(f, x + 10, y + 30, "work", b->work, p->all_work, p->work_name);
  bar(f, x + 10 + BAR + 50, y + 30, "memory", b->bytes, p->all_bytes, "of memory");
  fputs("</g>\n", f);
}

/* Straight down to the next row; past other rows, in a bow to the right of the boxes, which has a
   lane of its own beside bows that it would run into. */
static void draw_edge(FILE *f, picture *p, const box *from, const box *to) {
  const int x0 = left_of(p, from) + BOX_W / 2, y0 = top_of(from) + BOX_H;
  const int x1 = left_of(p, to) + BOX_W / 2, y1 = top_of(to) - 4;
  if (to->row == from->row + 1) {
    const int bend = x0 == x1 ? 0 : (y1 - y0) / 2;
    fprintf(f, "<path class=\"edge\" d=\"M%d %dC%d %d %d %d %d %d\"/>\n", x0, y0, x0, y0 + bend, x1,
            y1 - bend, x1, y1);
    return;
  }
  const int right = (x0 > x1 ? x0 : x1) + BOX_W / 2 + 14 + LANE * lane_of(p, from->row, to->row);
  fprintf(f, "<path class=\"edge\" d=\"M%d %dC%d %d %d %d %d %dL%d %dC%d %d %d %d %d %d\"/>\n",
          x0 + 40, y0, x0 + 40, y0 + GAP_Y, right, y0, right, y0 + GAP_Y, right, y1 - GAP_Y, right,
          y1, x1 + 40, y1 - GAP_Y, x1 + 40, y1);
}

static void draw_head(FILE *f, const picture *p, double params) {
  char a[32], b[32];
  const int lanes = p->n_lane > 1 ? (p->n_lane - 1) * LANE : 0;
  const int width = 2 * SIDE + p->n_column * BOX_W + (p->n_column - 1) * GAP_X + lanes;
  const int height = HEAD + p->n_row * (BOX_H + GAP_Y);
  fprintf(f,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
          "style=\"max-width:%dpx\" width=\"100%%\" "
          "font-family=\"system-ui,sans-serif\" font-size=\"14\">\n<style>"
          "svg{background:#fff}text{fill:#1c1c1e}.small{font-size:11px;fill:#5c5c63}"
          ".shape{fill:#5c5c63}.box{fill:#f6f6f8;stroke:#c9c9d0}.track{fill:#e3e3e8}"
          ".work{fill:#0072b2}.memory{fill:#d55e00}.edge{fill:none;stroke:#8a8a92;"
          "stroke-width:1.5;marker-end:url(#tip)}.tip{fill:#8a8a92}"
          "@media(prefers-color-scheme:dark){svg{background:#161618}text{fill:#ececf0}"
          ".small,.shape{fill:#a5a5ad}.box{fill:#1f1f23;stroke:#4a4a52}.track{fill:#34343a}"
          ".work{fill:#56b4e9}.memory{fill:#ff8a3d}}</style>\n"
          "<marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"5\" refY=\"4\" "
          "orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker>\n"
          "<text x=\"%d\" y=\"28\" font-size=\"18\" font-weight=\"600\">",
          width, height, width, SIDE);
  escaped(f, p->g->name, 34);
  fprintf(f, "</text><text class=\"small\" x=\"%d\" y=\"48\">%s parameters, %s %s</text>\n", SIDE,
          with_commas(a, (int64_t)params), with_commas(b, (int64_t)p->all_work),
          !strcmp(p->work_name, "of the time") ? "\xc2\xb5s a step" : "multiply-adds");
}

static void draw_all(FILE *f, picture *p, double params) {
  draw_head(f, p, params);
  for (int i = 0; i < p->n; i++)
    for (int k = 0; k < p->box[i].first->n_in; k++)
      draw_edge(f, p, &p->box[p->box_of[p->box[i].first->in[k]->id]], &p->box[i]);
  for (int i = 0; i < p->n; i++) draw_box(f, p, &p->box[i]);
  fputs("</svg>\n", f);
}

static bool write_picture(picture *p, double params, const char *path, char **error) {
  char *text = NULL;
  size_t n;
  FILE *f = allocated(open_memstream(&text, &n));
  draw_all(f, p, params);
  fclose(f);
  char *clean = clean_utf8(text);
  const bool ok = atomic_write(path, clean, strlen(clean), error);
  free(clean);
  free(text);
  return ok;
}

static int draw(const draw_command *c, const graph *g) {
  const size_t n = (size_t)g->n_node;
  picture p = {.g = g, .work_name = c->times ? "of the time" : "of the work"};
  int64_t *params = allocate(n * sizeof *params), *macs = allocate(n * sizeof *macs);
  double all = 0;
  char *error = NULL, *out = c->out ? message("%s", c->out) : message("%s.svg", g->name);
  p.box = allocate(n * sizeof *p.box);
  p.box_of = allocate(n * sizeof *p.box_of);
  node_costs(g, params, macs);
  for (size_t i = 0; i < n; i++) all += (double)params[i];
  for (int i = 0; i < g->n_node; i++) add_node(&p, g->node[i], params);
  place(&p);
  count_lanes(&p);
  add_costs(&p, params, macs);
  const bool ok =
      (!c->times || read_times(&p, c->times, &error)) && write_picture(&p, all, out, &error);
  if (ok) fprintf(stderr, "written to %s\n", out);
  for (int i = 0; i < p.n; i++) free(p.box[i].words);
  free(p.box);
  free(p.box_of);
  free(params);
  free(macs);
  free(out);
  return ok ? EXIT_DONE : report_failure(error);
}

int command_draw(int argc, char **argv) {
  draw_command c = {0};
  train_flags_init(&c.f);
  parse_command(&draw_argp, argc, argv, &c);
  graph *g = load_network(c.file, &c.f, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  const int status = draw(&c, g);
  graph_free(g);
  return status;
}
