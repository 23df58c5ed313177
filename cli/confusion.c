#include "base/internal.h"
#include "cli/confusion.h"
#include "cli/terminal.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 52, LETTER = 8, HEAD = 24 };

static void escaped(FILE *f, const char *s) {
  for (; *s; s++) {
    if (*s == '<') fputs("&lt;", f);
    else if (*s == '&') fputs("&amp;", f);
    else fputc((unsigned char)*s < ' ' ? ' ' : *s, f);
  }
}

static void label(FILE *f, int x, int y, const char *anchor, const char *name) {
  char *cut = allocated(strndup(name, (size_t)text_fit(name, 14)));
  fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, y, anchor);
  escaped(f, cut);
  fputs("</text>\n", f);
  free(cut);
}

static void row(FILE *f, const int64_t *count, int n, int i, int left, int top) {
  int64_t all = 0;
  for (int k = 0; k < n; k++) all += count[i * n + k];
  for (int k = 0; k < n; k++) {
    const double share = all ? (double)count[i * n + k] / (double)all : 0;
    const int x = left + k * CELL, y = top + i * CELL;
    fprintf(
        f,
        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"%s\" fill-opacity=\"%.3f\"/>"
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" class=\"n%s\">%lld</text>\n",
        x, y, CELL - 2, CELL - 2, i == k ? "right" : "wrong", 0.06 + 0.9 * share, x + CELL / 2 - 1,
        y + CELL / 2 + 4, share > 0.55 ? " on" : "", (long long)count[i * n + k]);
  }
}

static void picture(FILE *f, const char *const *name, const int64_t *count, int n) {
  int longest = 4;
  for (int i = 0; i < n; i++) {
    const int w = text_columns(name[i]);
    longest = w > longest ? w : longest;
  }
  const int word = (longest > 14 ? 14 : longest) * LETTER;
  const bool slanted = word > CELL - 4;
  const int left = word + 16, top = HEAD + (slanted ? word * 3 / 4 + 12 : 24);
  const int right = slanted ? word * 3 / 4 : 8;
  fprintf(f,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
          "height=\"%d\" font-family=\"system-ui,sans-serif\" font-size=\"13\">\n<style>"
          "svg{background:#fff}text{fill:#1c1c1e}.right{fill:#0072b2}.wrong{fill:#d55e00}"
          ".on{fill:#fff}@media(prefers-color-scheme:dark){svg{background:#161618}"
          "text{fill:#ececf0}.right{fill:#56b4e9}.wrong{fill:#ff8a3d}.on{fill:#000}}</style>\n"
          "<text x=\"8\" y=\"16\">rows: true class; columns: predicted</text>\n",
          left + n * CELL + right, top + n * CELL + 8, left + n * CELL + right, top + n * CELL + 8);
  for (int i = 0; i < n; i++) {
    label(f, left - 8, top + i * CELL + CELL / 2 + 4, "end", name[i]);
    fprintf(f, "<g transform=\"translate(%d %d)%s\">", left + i * CELL + CELL / 2 - 1, top - 8,
            slanted ? " rotate(-45)" : "");
    label(f, 0, 0, slanted ? "start" : "middle", name[i]);
    fputs("</g>\n", f);
    row(f, count, n, i, left, top);
  }
  fputs("</svg>\n", f);
}

bool confusion_write(const char *path, const char *const *name, const int64_t *count, int n,
                     char **error) {
  char *text = NULL;
  size_t size;
  FILE *f = allocated(open_memstream(&text, &size));
  picture(f, name, count, n);
  fclose(f);
  char *clean = clean_utf8(text);
  const bool ok = atomic_write(path, clean, strlen(clean), error);
  free(clean);
  free(text);
  return ok;
}
