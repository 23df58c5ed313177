#include "log_mel.h"
#include "message.h"
#include <complex.h>
#include <math.h>
#include <stdlib.h>

static int window_of(int rate) { return rate / 40 > 1 ? rate / 40 : 2; } /* 25 ms */
static int hop_of(int rate) { return rate / 100 > 0 ? rate / 100 : 1; }  /* 10 ms */

int64_t mel_frames(int rate, int64_t samples) {
  const int64_t rest = samples - window_of(rate);
  return rest < 0 ? 1 : 1 + rest / hop_of(rate);
}

/* The discrete Fourier transform of n = 2^k values in place (Cooley and Tukey 1965). */
static void transform(double complex *v, int n) {
  for (int i = 1, j = 0; i < n; i++) {
    int bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      double complex t = v[i];
      v[i] = v[j];
      v[j] = t;
    }
  }
  for (int half = 1; half < n; half *= 2)
    for (int k = 0; k < half; k++) {
      const double complex turn = cexp(-I * M_PI * k / half);
      for (int i = k; i < n; i += 2 * half) {
        const double complex t = turn * v[i + half];
        v[i + half] = v[i] - t;
        v[i] += t;
      }
    }
}

static double mel(double hertz) { return 2595 * log10(1 + hertz / 700); }

/* Weight of each of n/2 + 1 frequencies in each band. */
static double *triangles(int rate, int bands, int n) {
  const int bins = n / 2 + 1;
  double *w = allocate((size_t)bands * (size_t)bins * sizeof *w);
  const double step = mel(rate / 2.0) / (bands + 1);
  for (int b = 0; b < bands; b++)
    for (int k = 0; k < bins; k++) {
      const double at = mel((double)k * rate / n) / step - b; /* 0, 1 at the top, 2 */
      const double v = at < 1 ? at : 2 - at;
      w[b * bins + k] = v > 0 ? v : 0;
    }
  return w;
}

/* Squares of the frequencies' amplitudes in one frame. */
static void spectrum(const sound *s, int64_t from, int window, int n, double complex *v,
                     double *power) {
  for (int i = 0; i < n; i++) {
    const double hann = 0.5 - 0.5 * cos(2 * M_PI * i / window);
    v[i] = i < window && from + i < s->n ? hann * (double)s->sample[from + i] : 0;
  }
  transform(v, n);
  for (int k = 0; k <= n / 2; k++) power[k] = creal(v[k]) * creal(v[k]) + cimag(v[k]) * cimag(v[k]);
}

void log_mel(const sound *s, int bands, int64_t frames, float *out) {
  const int window = window_of(s->rate), hop = hop_of(s->rate);
  int n = 2;
  while (n < window) n *= 2;
  double *w = triangles(s->rate, bands, n), *power = allocate((size_t)(n / 2 + 1) * sizeof *power);
  double complex *v = allocate((size_t)n * sizeof *v);
  for (int64_t t = 0; t < frames; t++) {
    spectrum(s, t * hop, window, n, v, power);
    for (int b = 0; b < bands; b++) {
      double sum = 0;
      for (int k = 0; k <= n / 2; k++) sum += w[b * (n / 2 + 1) + k] * power[k];
      out[b * frames + t] = (float)log(1e-6 + sum);
    }
  }
  free(w);
  free(power);
  free(v);
}
