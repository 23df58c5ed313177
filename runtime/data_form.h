/* What kind of file this is, told by its contents whatever it is called. */
#ifndef NETC_DATA_FORM_H
#define NETC_DATA_FORM_H
#include <stddef.h>
#include <stdint.h>

typedef enum { FORM_PICKLE, FORM_NPZ, FORM_IDX, FORM_WAV, FORM_TEXT, FORM_REFUSED } data_form;

enum { FORM_HEAD = 4096 }; /* bytes that are looked at */

/* n: up to FORM_HEAD bytes from the beginning of the file. FORM_REFUSED with *why a sentence
   without the file's name (malloc'd). */
data_form data_form_of(const uint8_t *head, size_t n, char **why);
#endif
