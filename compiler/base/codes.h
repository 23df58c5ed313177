/* Every message has a code, found by its format: see codes.def. */
#ifndef NETC_CODES_H
#define NETC_CODES_H
#include <stdbool.h>

/* "E0202"; for a format that is not in the table E0000 or W0000, which the tests do not let pass.
 */
const char *message_code(const char *format, bool warning);
/* Of messages without a place in a file: what a command could not do, a command line that cannot be
   read, and what a command warns of. */
#define CODE_FAILURE "E0802"
#define CODE_USAGE "E0803"
#define CODE_CAUTION "W0801"
#endif
