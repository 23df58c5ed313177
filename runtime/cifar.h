/* The "python version" of CIFAR-10 and CIFAR-100: a folder of pickled batches. */
#ifndef NETC_CIFAR_H
#define NETC_CIFAR_H
#include "dataset.h"

/* Loads such a folder; the test set follows the training set, and held_from is where it begins.
   NULL with *error a malloc'd sentence that names the file. */
dataset *cifar_open(const dataset_options *o, char **error);
/* Is there CIFAR in this folder? */
bool cifar_folder(const char *path);
#endif
