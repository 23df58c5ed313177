#include "codes.h"
#include <stddef.h>
#include <string.h>

static const struct {
  const char *code, *format;
} codes[] = {
#define MESSAGE(code, format) {#code, format},
#include "codes.def"
#undef MESSAGE
};

const char *message_code(const char *format, bool warning) {
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if ((*codes[i].code == 'W') == warning && !strcmp(codes[i].format, format))
      return codes[i].code;
  return warning ? "W0000" : "E0000";
}
