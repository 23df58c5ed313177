#include "cli/chart.h"
#include <math.h>

/* The drawing, in its own units; text keeps readable where a phone shows it 350 pixels wide. */
enum { WIDTH = 420, HEIGHT = 260, LEFT = 44, RIGHT = 10, TOP = 28, BOTTOM = 34, MAX_TICKS = 6 };

typedef struct {
  double low, high, step; /* values */
  int epochs;
} axes;

static double x_of(const axes *a, double epoch) {
  const double all = a->epochs > 1 ? a->epochs - 1 : 1;
  return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / all;
}

static double y_of(const axes *a, double v) {
  const double share = (v - a->low) / (a->high - a->low);
  return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
}

/* 1, 2 or 5 times a power of ten, so that `span` takes at most so many of them. */
static double nice_step(double span, int most) {
  double step = pow(10, floor(log10(span / most)));
  for (int i = 0; span / step > most; i++) step *= i % 3 == 1 ? 2.5 : 2;
  return step;
}

static axes choose_axes(const chart_series *s, int n, bool share) {
  axes a = {.low = share ? 1 : 0, .epochs = 1};
  for (int i = 0; i < n; i++) {
    a.epochs = s[i].n > a.epochs ? s[i].n : a.epochs;
    for (int k = 0; k < s[i].n; k++) {
      const double v = s[i].mean[k];
      if (!isfinite(v)) continue;
      a.high = v > a.high ? v : a.high;
      a.low = share && v < a.low ? v : a.low;
    }
  }
  if (share) a.high = 1;
  if (!(a.high > a.low)) a.low = 0, a.high = 1;
  a.step = nice_step(a.high - a.low, MAX_TICKS);
  if (share) a.low = fmax(0, a.step * floor(a.low / a.step + 1e-9));
  else a.high = a.step * ceil(a.high / a.step - 1e-9);
  return a;
}

static void draw_axes(FILE *f, const axes *a) {
  const double every = a->epochs > 1 ? fmax(1, nice_step(a->epochs - 1, MAX_TICKS + 2)) : 1;
  for (double v = a->low; v < a->high + a->step / 1e3; v += a->step)
    fprintf(f,
            "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n",
            LEFT, WIDTH - RIGHT, y_of(a, v), y_of(a, v), LEFT - 6, y_of(a, v) + 4,
            fabs(v) < a->step / 2 ? 0 : v);
  for (double e = 1; e <= a->epochs; e = e < every ? every : e + every)
    fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x_of(a, e),
            HEIGHT - BOTTOM + 16, e);
  fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">epoch</text>\n", WIDTH - RIGHT,
          HEIGHT - 3);
}

/* Values far above the axis end just beyond it, where the clipping takes them. */
static double held(const axes *a, double v) {
  const double over = a->high + (a->high - a->low), under = a->low - (a->high - a->low);
  return v > over ? over : v < under ? under : v;
}

static void draw_band(FILE *f, const axes *a, const chart_series *s) {
  fprintf(f, "<path class=\"band c%d\" d=\"", s->colour % CHART_COLOURS);
  for (int k = 0; k < s->n; k++)
    fprintf(f, "%c%.1f %.1f", k ? 'L' : 'M', x_of(a, k + 1),
            y_of(a, held(a, s->mean[k] + s->dev[k])));
  for (int k = s->n - 1; k >= 0; k--)
    fprintf(f, "L%.1f %.1f", x_of(a, k + 1), y_of(a, held(a, s->mean[k] - s->dev[k])));
  fputs("Z\"/>\n", f);
}

static void draw_line(FILE *f, const axes *a, const chart_series *s) {
  const int colour = s->colour % CHART_COLOURS;
  if (s->n == 1) {
    fprintf(f, "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", colour, x_of(a, 1),
            y_of(a, s->mean[0]));
    return;
  }
  fprintf(f, "<path class=\"line c%d%s\" d=\"", colour,
          s->colour / CHART_COLOURS % 2 ? " dashed" : "");
  for (int k = 0; k < s->n; k++)
    fprintf(f, "%c%.1f %.1f", k ? 'L' : 'M', x_of(a, k + 1), y_of(a, held(a, s->mean[k])));
  fputs("\"/>\n", f);
}

static bool drawable(const chart_series *s) {
  for (int k = 0; k < s->n; k++)
    if (!isfinite(s->mean[k])) return false;
  return s->n > 0;
}

void chart_svg(FILE *f, const char *title, const chart_series *s, int n, bool share) {
  const axes a = choose_axes(s, n, share);
  fprintf(f,
          "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">"
          "<text class=\"name\" x=\"%d\" y=\"16\">%s</text>\n",
          WIDTH, HEIGHT, title, LEFT, title);
  draw_axes(f, &a);
  fprintf(f, "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" viewBox=\"%d %d %d %d\">\n", LEFT,
          TOP - 2, WIDTH - LEFT - RIGHT + 6, HEIGHT - TOP - BOTTOM + 4, LEFT, TOP - 2,
          WIDTH - LEFT - RIGHT + 6, HEIGHT - TOP - BOTTOM + 4);
  for (int i = 0; i < n; i++)
    if (drawable(&s[i]) && s[i].dev && s[i].n > 1) draw_band(f, &a, &s[i]);
  for (int i = 0; i < n; i++)
    if (drawable(&s[i])) draw_line(f, &a, &s[i]);
  fputs("</svg></svg>\n", f);
}
