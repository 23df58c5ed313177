#include "csv.h"
#include "base/nearest_word.h"
#include "base/source.h"
#include "csv_columns.h"
#include "message.h"
#include "table_cells.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A cell as it stands in the text, without its quotes. */
typedef struct {
  const char *p;
  uint32_t n;
  bool quoted; /* holds doubled quotes, perhaps */
} cell;

typedef struct {
  const char *text, *end; /* of the part that is being read */
  int n_part;
  csv_part *part;
  char separator, mark;
  int n_column;
  char **name;
  bool header;
  int64_t n_row, room;
  cell *cell;     /* n_row x n_column */
  int64_t *line;  /* of every row, from 1 */
  float **number; /* of every column of numbers; NULL: words */
} table;

/* ---- cells ---- */

enum { BLANKS = ' ' }; /* as a separator: any number of blanks and tabs */

/* The cell behind the blanks at p. *behind: the last blank after it, or the line's end. */
static void read_blank_cell(const table *t, const char *p, cell *c, const char **behind) {
  const char *from = after_blanks(p, t->end), *to = after_blank_cell(from, t->end);
  const bool quoted = to - from > 1 && *from == '"' && to[-1] == '"';
  *c = (cell){from + quoted, (uint32_t)(to - from - 2 * quoted), false};
  *behind = after_blanks(to, t->end);
  if (*behind < t->end && **behind != '\n') --*behind;
}

/* The cell at p, which ends at a separator, at the end of the line or of the text. *behind: there.
   False: a quote that never ends. */
static bool read_cell(const table *t, const char *p, cell *c, const char **behind) {
  const char *q = p;
  if (t->separator == BLANKS) return read_blank_cell(t, p, c, behind), true;
  while (q < t->end && *q == ' ') q++;
  if (q < t->end && *q == '"') {
    const char *from = ++q;
    while (q < t->end && (*q != '"' || (q + 1 < t->end && q[1] == '"'))) q += *q == '"' ? 2 : 1;
    if (q >= t->end || q - from > 1000000) return false;
    *c = (cell){from, (uint32_t)(q - from), true};
    for (q++; q < t->end && (*q == ' ' || *q == '\r'); q++) {
    }
    *behind = q;
    return q == t->end || *q == t->separator || *q == '\n';
  }
  const char *from = q;
  while (q < t->end && *q != t->separator && *q != '\n') q++;
  *behind = q;
  while (q > from && (q[-1] == ' ' || q[-1] == '\r')) q--;
  *c = (cell){from, (uint32_t)(q - from < UINT32_MAX ? q - from : 0), false};
  return true;
}

static char *cell_text(const cell *c) {
  char *s = utf8_of(c->p, c->n), *to = s;
  for (const char *p = s; *p; p++) {
    const unsigned char b = (unsigned char)*p, next = (unsigned char)p[1];
    const bool control = b < ' ' || b == 127, two = b == 0xc2 && next < 0xa0; /* U+0080 .. U+009F */
    *to++ = control || two ? '?' : *p;
    p += two;
    if (c->quoted && *p == '"' && p[1] == '"') p++;
  }
  *to = 0;
  return s;
}

static bool is_missing(const cell *c) { return missing_word(c->p, c->n); }

static bool cell_number(const cell *c, char mark, double *out) {
  return written_number(c->p, c->n, mark, out);
}

/* ---- rows ---- */

static int count_separators(const char *text, const char *end, char separator) {
  bool quoted = false;
  int n = 0;
  if (separator == BLANKS) return count_blank_cells(text, end) - 1;
  for (const char *p = text; p < end && (quoted || *p != '\n'); p++) {
    if (*p == '"') quoted = !quoted;
    n += !quoted && *p == separator;
  }
  return n;
}

/* Have the lines at p as many separators as the first? */
static bool even_lines(const char *p, const char *end, char separator, bool cut) {
  const int want = count_separators(p, end, separator);
  int lines = 0;
  if (want <= 0) return false;
  for (; p < end && lines < 30; lines++) {
    const char *next = memchr(p, '\n', (size_t)(end - p));
    if (!next && lines && cut) break; /* the last line of the beginning may be cut */
    if (count_separators(p, next ? next : end, separator) != want && next != p &&
        !(next == p + 1 && *p == '\r'))
      return false;
    p = next ? next + 1 : end;
  }
  return lines >= 2;
}

/* Tabs may as well be blanks: where lines have not as many, or where blanks stand between numbers.
 */
static bool blanks_separate(const char *text, size_t n, char other, int have) {
  enum { HEAD = 4000 };
  const char *end = text + (n < HEAD ? n : HEAD), *line = memchr(text, '\n', (size_t)(end - text));
  if ((have && other != '\t') || !looks_blank_separated(text, text + n)) return false;
  if (!have || !even_lines(text, end, other, n >= HEAD)) return true;
  return line && memmem(text, (size_t)(line - text), "  ", 2);
}

/* A tab in every line separates, however many commas the texts or numbers between them have. */
static bool tabs_separate(const char *text, size_t n) {
  enum { HEAD = 4000 };
  return count_separators(text, text + n, '\t') > 0 &&
         even_lines(text, text + (n < HEAD ? n : HEAD), '\t', n >= HEAD);
}

static char find_separator(const char *text, size_t n) {
  static const char all[] = ",\t;|";
  int most = 0;
  char best = ',';
  for (const char *s = all; *s; s++) {
    int k = count_separators(text, text + n, *s);
    if (k > most) most = k, best = *s;
  }
  if (best != '\t' && tabs_separate(text, n)) best = '\t';
  return blanks_separate(text, n, best, most) ? BLANKS : best;
}

static const char *after_bom(const char *text, size_t n) {
  return n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? text + 3 : text;
}

bool looks_like_csv(const char *text, size_t n) {
  const char *p = after_bom(text, n), *end = text + n;
  const char separator = find_separator(p, (size_t)(end - p));
  return separator == BLANKS || even_lines(p, end, separator, n >= 4000);
}

static cell *next_row(table *t, int64_t line) {
  if (t->n_row == t->room) {
    t->room = t->room ? 2 * t->room : 1024;
    t->cell = realloc(t->cell, (size_t)t->room * (size_t)t->n_column * sizeof *t->cell);
    t->line = realloc(t->line, (size_t)t->room * sizeof *t->line);
    if (!t->cell || !t->line) abort();
  }
  t->line[t->n_row] = line;
  return t->cell + t->n_row++ * t->n_column;
}

static char *wrong_count(const table *t, int64_t line, int have) {
  return message("line %lld has %d cell%s, and the first line has %d", (long long)line, have,
                 have == 1 ? "" : "s", t->n_column);
}

/* "line 7" of the row, header included, with its file where that is not the first. malloc'd. */
static char *place_of(const table *t, int64_t row) {
  int k = t->n_part - 1;
  while (k && t->part[k].row + t->header > row) k--;
  if (!k) return message("line %lld", (long long)t->line[row]);
  return message("`%s`, line %lld", t->part[k].path, (long long)t->line[row]);
}

/* The cells of one line; *p goes behind it, *line counts on. */
static char *read_row(table *t, const char **p, int64_t *line) {
  cell *row = next_row(t, *line), extra;
  int n = 0;
  for (;; n++, ++*p) {
    const char *from = *p;
    if (!read_cell(t, *p, n < t->n_column ? &row[n] : &extra, p))
      return message("line %lld, cell %d: a quote that does not end where the cell does",
                     (long long)*line, n + 1);
    for (const char *q = from; from < *p && *from == '"' && (q = memchr(q, '\n', (size_t)(*p - q)));
         q++)
      ++*line;
    if (*p == t->end || **p == '\n') break;
  }
  if (n + 1 != t->n_column) return wrong_count(t, t->line[t->n_row - 1], n + 1);
  if (*p < t->end) ++*p;
  ++*line;
  return NULL;
}

static bool empty_line(const table *t, const char *p) {
  if (t->separator == BLANKS) p = after_blanks(p, t->end);
  while (p < t->end && (*p == ' ' || *p == '\r')) p++;
  return p == t->end || *p == '\n';
}

static char *read_rows(table *t) {
  int64_t line = 1;
  const char *p = t->text;
  while (p < t->end) {
    if (empty_line(t, p)) {
      const char *next = memchr(p, '\n', (size_t)(t->end - p));
      p = next ? next + 1 : t->end;
      line++;
      continue;
    }
    char *wrong = read_row(t, &p, &line);
    if (wrong) return wrong;
  }
  return t->n_row ? NULL : message("it holds no rows");
}

static bool same_cell(const cell *a, const cell *b) {
  return a->n == b->n && !memcmp(a->p, b->p, a->n);
}

/* Drops a later part's own header from row `from`; a message where its columns are others. */
static char *drop_header(table *t, int64_t from) {
  const cell *first = t->cell, *row = t->cell + from * t->n_column;
  int same = 0;
  for (int i = 0; t->header && i < t->n_column; i++) same += same_cell(&first[i], &row[i]);
  if (same < t->n_column) {
    if (same * 2 <= t->n_column) return NULL; /* it has none */
    return message("its columns are others than those of the first file");
  }
  t->n_row--;
  memmove(t->cell + from * t->n_column, t->cell + (from + 1) * t->n_column,
          (size_t)(t->n_row - from) * (size_t)t->n_column * sizeof *t->cell);
  memmove(t->line + from, t->line + from + 1, (size_t)(t->n_row - from) * sizeof *t->line);
  return t->n_row > from ? NULL : message("it holds no rows below its header");
}

static char *read_more(table *t, csv_part *part) {
  const int64_t from = t->n_row;
  t->text = after_bom(part->text, part->n);
  t->end = part->text + part->n;
  char *wrong = read_rows(t);
  if (!wrong && t->n_row == from) wrong = message("it holds no rows");
  if (!wrong) wrong = drop_header(t, from);
  part->row = from - t->header;
  return wrong ? free_and(wrong, message("`%s`: %s", part->path, wrong)) : NULL;
}

/* Between semicolons a comma is a decimal mark, as spreadsheets write it in most of Europe; and
   elsewhere if there is a column of numbers that can be read so only ("0,25"). */
static char decimal_mark(const table *t) { return t->mark; }

/* Does a word of the first row stand again below it? Names of columns do not. */
static bool says_again(const table *t, int column) {
  const cell *name = &t->cell[column];
  if (!name->n) return false;
  for (int64_t r = 1; r < t->n_row; r++)
    if (same_cell(name, &t->cell[r * t->n_column + column])) return true;
  return false;
}

/* A first row is a header if a number stands below one of its words, or no cell of it is a number,
   nor what a later row says. */
static bool has_header(const table *t) {
  double v;
  bool any_number = false;

  for (int i = 0; i < t->n_column; i++) {
    bool word = !cell_number(&t->cell[i], decimal_mark(t), &v) && !is_missing(&t->cell[i]);
    any_number |= !word;
    if (word && t->n_row > 1 && cell_number(&t->cell[t->n_column + i], decimal_mark(t), &v))
      return true;
  }
  for (int i = 0; i < t->n_column && !any_number; i++)
    if (says_again(t, i)) return false;
  return !any_number;
}

/* A name that a network's text can say: it has no way to write a quote within quotes. */
static char *column_name(const cell *c) {
  char *name = cell_text(c);
  for (char *p = name; *p; p++)
    if (*p == '"') *p = '\'';
  return name;
}

static void name_columns(table *t) {
  t->header = has_header(t);
  t->name = allocate((size_t)t->n_column * sizeof *t->name);
  for (int i = 0; i < t->n_column; i++)
    t->name[i] = t->header && t->cell[i].n ? column_name(&t->cell[i]) : message("column%d", i + 1);
}

static void table_free(table *t) {
  for (int i = 0; t->name && i < t->n_column; i++) free(t->name[i]);
  for (int i = 0; t->number && i < t->n_column; i++) free(t->number[i]);
  free(t->number);
  free(t->name);
  free(t->cell);
  free(t->line);
}

/* ---- columns ---- */

static const cell *cell_at(const table *t, int64_t row, int column) {
  return &t->cell[(row + t->header) * t->n_column + column];
}

/* Every column as floats, row by row as the cells lie in memory; NaN where a value is missing. A
   column that holds anything else is words, and its floats are dropped. */
static void parse_numbers(table *t, const csv_options *o) {
  const int64_t n = t->n_row - t->header;
  bool *any = allocate((size_t)t->n_column * sizeof *any);
  t->number = allocate((size_t)t->n_column * sizeof *t->number);
  for (int i = 0; i < t->n_column; i++) t->number[i] = allocate((size_t)n * sizeof **t->number);
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < t->n_column; i++) {
      double v = NAN;
      const cell *c = cell_at(t, r, i);
      if (!t->number[i]) continue;
      const bool is = cell_number(c, decimal_mark(t), &v);
      any[i] |= is;
      if (is || is_missing(c)) t->number[i][r] = (float)v;
      else free(t->number[i]), t->number[i] = NULL;
    }
  for (int i = 0; i < t->n_column; i++)
    if (!any[i] && !columns_mean(o->known, t->name[i], &(double){0}))
      free(t->number[i]), t->number[i] = NULL;
  free(any);
}

static char *missing(const table *t, int64_t row, int column) {
  char *place = place_of(t, row + t->header);
  return free_and(place, message("%s has no value for `%s`; fill it in, drop the row, or say "
                                 "missing=mean (the column's mean)",
                                 place, t->name[column]));
}

static char *check_numbers(const table *t, int column, const csv_options *o, float *v) {
  const int64_t n = t->n_row - t->header;
  double sum = 0, mean;
  int64_t have = 0;
  const bool known = o->missing_mean && columns_mean(o->known, t->name[column], &mean);
  for (int64_t r = 0; r < n; r++) {
    if (isnan(v[r]) && !o->missing_mean) return missing(t, r, column);
    if (isinf(v[r])) {
      char *place = place_of(t, r + t->header);
      return free_and(place, message("%s: `%s` is too large a number", place, t->name[column]));
    }
    if (!isnan(v[r])) sum += (double)v[r], have++;
  }
  for (int64_t r = 0; have < n && r < n; r++)
    if (isnan(v[r])) v[r] = (float)(known ? mean : sum / (double)have);
  return NULL;
}

static char *read_words(const table *t, int column, const csv_options *o, data_field *f) {
  const int64_t n = t->n_row - t->header;
  char **word = allocate((size_t)n * sizeof *word);
  char *wrong = NULL;
  for (int64_t r = 0; r < n && !wrong; r++) {
    const cell *c = cell_at(t, r, column);
    if (is_missing(c) && o->missing_mean) word[r] = message("(missing)");
    else if (is_missing(c)) wrong = missing(t, r, column);
    else word[r] = cell_text(c);
  }
  if (!wrong) {
    field_set_words(f, word, n);
    return NULL;
  }
  for (int64_t r = 0; r < n; r++) free(word[r]);
  free(word);
  return wrong;
}

static char *add_column(table *t, int column, const csv_options *o, field_set *out) {
  data_field *f = field_add(out, t->name[column]);
  const int64_t n = t->n_row - t->header;
  if (!t->number[column]) return read_words(t, column, o, f);
  f->stored = message("numbers");
  field_allocate(f, FIELD_FLOATS, n);
  memcpy(f->data, t->number[column], (size_t)n * sizeof(float));
  return check_numbers(t, column, o, f->data);
}

/* ---- which columns ---- */

/* The column of that name or number, or -1 with *wrong. */
static int column_called(const table *t, const char *word, const char *option, char **wrong) {
  char *end;
  for (int i = 0; i < t->n_column; i++)
    if (!strcmp(t->name[i], word)) return i;
  long number = strtol(word, &end, 10);
  if (end != word && !*end && number >= 1 && number <= t->n_column) return (int)number - 1;
  const char *near = nearest_word(word, (const char *const *)t->name, t->n_column);
  *wrong = message("%s=%s: there is no such column" DIAG_HELP "%s%s%s", option, word,
                   near ? "did you mean `" : "the first is `", near ? near : t->name[0],
                   near ? "`?" : "`");
  return -1;
}

/* The column that is usually called a target; else the last one. */
static int usual_target(const table *t, const int *use, bool *known) {
  static const char *const names[] = {"target", "label", "labels", "class", "y", "species"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    for (int i = 0; i < t->n_column; i++)
      if (!strcasecmp(t->name[i], names[k])) return *known = true, i;
  *known = false;
  int last = t->n_column - 1;
  while (last > 0 && use[last] < 0) last--;
  return last;
}

/* A column without a name and without values: a separator at the end of every line. */
static bool is_nothing(const table *t, int column) {
  for (int64_t r = -t->header; r < t->n_row - t->header; r++)
    if (cell_at(t, r, column)->n) return false;
  return true;
}

enum { DROPPED = -1, INPUT = 0 }; /* and from 1: the place among the targets */

/* What a series was is known when it is to be told how it goes on, unless it is dropped. */
static bool is_input(const csv_options *o, int before, int use) {
  return use == INPUT || (o->series && o->horizon > 0 && before == INPUT);
}

/* What the network was not trained on need not be right: it is not read, where what it was trained
   on is there by name. */
static void drop_unknown(const table *t, const csv_options *o, int *use) {
  bool any = false;
  for (int i = 0; i < t->n_column; i++) any |= columns_have(o->known, t->name[i]);
  for (int i = 0; any && i < t->n_column; i++)
    if (!columns_have(o->known, t->name[i])) use[i] = DROPPED;
}

/* Columns that are given, or dropped, by name. */
static char *take_names(const table *t, const csv_options *o, int *use) {
  char *wrong = NULL;
  for (int i = 0; i < o->n_target && !wrong; i++) {
    int c = column_called(t, o->target[i], "target", &wrong);
    if (c >= 0 && use[c] == DROPPED && !o->series)
      wrong = message("`%s` is both dropped and the target", t->name[c]);
    if (c >= 0) use[c] = i + 1;
  }
  return wrong;
}

static char *drop_names(const table *t, const csv_options *o, int *use) {
  char *wrong = NULL;
  for (int i = 0; i < t->n_column; i++)
    if (is_nothing(t, i)) use[i] = DROPPED;
  if (o->all_input && o->known) drop_unknown(t, o, use);
  for (int i = 0; i < o->n_drop && !wrong; i++) {
    int c = column_called(t, o->drop[i], "drop", &wrong);
    if (c >= 0) use[c] = DROPPED;
  }
  return wrong;
}

static char *choose_columns(const table *t, const csv_options *o, int *use, field_set *out) {
  char *wrong = take_names(t, o, use);
  if (wrong || o->n_target || o->all_input) return wrong;
  bool known;
  int c = usual_target(t, use, &known);
  use[c] = 1;
  if (!known)
    field_note(out,
               message("the target is the column `%s`; `target=NAME` in `data` chooses another",
                       t->name[c]));
  return NULL;
}

/* The columns of the input in their order, and then those of the target in theirs. */
static char *add_columns(table *t, const csv_options *o, const int *before, const int *use,
                         field_set *out, int *n_input) {
  const int targets = o->n_target ? o->n_target : 1;
  char *wrong = NULL;
  for (int i = 0; i < t->n_column && !wrong; i++)
    if (is_input(o, before[i], use[i])) wrong = add_column(t, i, o, out);
  *n_input = out->n_field;
  for (int k = 1; k <= targets && !wrong; k++)
    for (int i = 0; i < t->n_column && !wrong; i++)
      if (use[i] == k) wrong = add_column(t, i, o, out);
  return wrong;
}

static char *read_columns(table *t, const csv_options *o, field_set *out, int *n_input) {
  int *use = allocate(2 * (size_t)t->n_column * sizeof *use), *before = use + t->n_column;
  out->n = out->held_from = t->n_row - t->header;
  char *wrong = drop_names(t, o, use);
  memcpy(before, use, (size_t)t->n_column * sizeof *use);
  if (!wrong) wrong = choose_columns(t, o, use, out);
  if (!wrong) wrong = add_columns(t, o, before, use, out, n_input);
  if (!wrong && !*n_input)
    wrong = message("no column is left for the input" DIAG_HELP
                    "`horizon=1` in `data` makes windows of a series of one column (netc new "
                    "--window 24)");
  free(use);
  return wrong;
}

/* Numbers below the first row, all of them with the comma as mark, and not all without. */
static bool comma_decimals(const table *t, int column) {
  bool commas = false, plain = true;
  double v;
  for (int64_t r = 1; r < t->n_row; r++) {
    const cell *c = &t->cell[r * t->n_column + column];
    if (is_missing(c)) continue;
    if (!cell_number(c, ',', &v) || memchr(c->p, '.', c->n)) return false;
    commas |= memchr(c->p, ',', c->n) != NULL;
    plain &= cell_number(c, '.', &v);
  }
  return commas && !plain;
}

static void find_mark(table *t) {
  for (int i = 0; i < t->n_column && t->mark == '.'; i++)
    if (comma_decimals(t, i)) t->mark = ',';
}

/* Rows of every part; the first decides separator, columns and header. */
static char *read_parts(table *t) {
  t->text = after_bom(t->part->text, t->part->n);
  t->end = t->part->text + t->part->n;
  t->separator = find_separator(t->text, (size_t)(t->end - t->text));
  t->mark = t->separator == ';' ? ',' : '.';
  t->n_column = 1 + count_separators(t->text, t->end, t->separator);
  if (t->n_column > 100000) return message("a first line of %d cells", t->n_column);
  char *wrong = read_rows(t);
  if (wrong) return wrong;
  find_mark(t);
  name_columns(t);
  if (t->n_row - t->header < 1) return message("it holds no rows below its header");
  for (int k = 1; k < t->n_part && !wrong; k++) wrong = read_more(t, &t->part[k]);
  return wrong;
}

char *csv_read(csv_part *part, int n_part, const csv_options *o, field_set *out, int *n_input) {
  table t = {.part = part, .n_part = n_part};
  *out = (field_set){0};
  char *wrong = read_parts(&t);
  if (!wrong) {
    parse_numbers(&t, o);
    wrong = read_columns(&t, o, out, n_input);
  }
  table_free(&t);
  if (wrong) field_set_free(out);
  return wrong;
}
