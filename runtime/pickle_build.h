/* The constructors that a pickle may name. None of them runs code of the file's. */
#ifndef NETC_PICKLE_BUILD_H
#define NETC_PICKLE_BUILD_H
#include "value.h"

/* The class of "module.name", or false if it is not on the list. */
bool constructor_find(const value_string *module, const value_string *name, value *out);
/* The same of those that torch.save names besides. A tensor becomes the tuple of what it is rebuilt
   from, whose first item is the tuple of its storage. */
bool tensor_constructor_find(const value_string *module, const value_string *name, value *out);
/* "FloatStorage", of the class of one; else NULL. */
const char *storage_name(const value *class);
/* Is class one whose objects are dictionaries? */
bool makes_dict(const value *class);
/* class(args...). NULL and *out, or a malloc'd sentence of what is wrong. limit: bytes of the file.
 */
char *constructor_call(value_heap *h, const value *class, const value *args, uint64_t limit,
                       value *out);
/* __setstate__ of an array or a type. The same errors. */
char *object_set_state(value *object, const value *state, uint64_t limit);
#endif
