/* What shapes.c needs of the machine it runs on. */
#include <stdint.h>
void board_print(const char *a, uint32_t n, const char *b, uint32_t m); /* a line */
