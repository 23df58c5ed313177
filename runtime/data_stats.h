/* What a data set looks like in numbers. */
#ifndef NETC_DATA_STATS_H
#define NETC_DATA_STATS_H
#include "dataset.h"
#include "split.h"

typedef struct {
  int64_t *count;      /* samples of each class */
  int largest;         /* the class with most samples */
  double *mean, *std;  /* of each channel over all pixels, scaled; std of the population */
  float low, high;     /* least and largest pixel, scaled */
  int64_t duplicates;  /* samples whose pixels equal those of an earlier one */
  int64_t conflicting; /* of these, the ones whose label differs from that of the first */
} data_stats;

data_stats data_stats_make(const dataset *ds);
void data_stats_free(data_stats *s);
/* first[i] = the first sample with the same pixels as sample i (i itself where there is none).
   first has room for ds->n. */
void find_duplicates(const dataset *ds, int64_t *first);
/* How many samples that validate have the same pixels as one that trains: their accuracy says
   nothing about new images. */
int64_t duplicates_across(const dataset *ds, const split *s);
#endif
