/* Sound as pictures: the logarithm of the energy in bands of the mel scale, frame by frame. Frames
   of 25 ms every 10 ms under a Hann window; triangles of equal width in mel = 2595 log10(1 + f/700)
   from 0 to half the rate (Davis and Mermelstein 1980); ln(1e-6 + energy). */
#ifndef NETC_LOG_MEL_H
#define NETC_LOG_MEL_H
#include "wav.h"

/* Frames in so many samples; at least 1. */
int64_t mel_frames(int rate, int64_t samples);
/* out: bands x frames. s is cut at its end, or goes on with silence. */
void log_mel(const sound *s, int bands, int64_t frames, float *out);
#endif
