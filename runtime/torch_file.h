/* Weights as torch.save writes them (.pt, .pth): a zip with a pickle of tensors and their storages.
   Nothing of the file is run. */
#ifndef NETC_TORCH_FILE_H
#define NETC_TORCH_FILE_H
#include "safetensors.h"

/* Does a file begin as torch.save's do, of today's format or the one before 1.6? */
bool torch_file_begins(const void *bytes, size_t n);
/* The tensors of a state_dict, or of the one in a checkpoint's dictionary. Values are copied. NULL,
   with *error one malloc'd sentence that names the file as `shown`. */
safetensors *torch_file_parse(const void *bytes, size_t n, const char *shown, char **error);
#endif
