/* Every message has a code, found by its format: see codes.def. */
#ifndef NETC_CODES_H
#define NETC_CODES_H
#include <stdbool.h>

/* "E0202"; for a format that is not in the table E0000 or W0000, which the tests do not let pass.
 */
const char *message_code(const char *format, bool warning);
/* Of what fails without a place in a file: what a command could not do. */
#define CODE_FAILURE "E0802"
#endif
