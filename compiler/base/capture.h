/* What a library says on stderr and tells in no other way. */
#ifndef NETC_CAPTURE_H
#define NETC_CAPTURE_H
typedef struct {
  int saved, file;
} capture;
/* Until capture_end, what this process writes to stderr is kept instead of shown. */
capture capture_begin(void);
/* The first line of it, at most some hundred bytes, malloc'd; "" if there was none. */
char *capture_end(capture c);
#endif
