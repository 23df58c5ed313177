/* The pages of docs/errors, embedded when netc is built; sorted by code. */
#ifndef NETC_PAGES_H
#define NETC_PAGES_H
typedef struct {
  const char *code, *text;
} error_page;
extern const error_page error_pages[];
extern const int n_error_pages;
#endif
