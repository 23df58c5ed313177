/* This computer as the board. */
#include "board.h"
#include <stdio.h>

void board_print(const char *a, uint32_t n, const char *b, uint32_t m) {
  printf("%s%u%s%u\n", a, n, b, m);
}
