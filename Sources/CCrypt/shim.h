#include <crypt.h>
#include <string.h>

/* Zeroes what no one reads again: not left out by a compiler that sees so. */
static inline void apus_wipe(void *bytes, size_t count) { explicit_bzero(bytes, count); }
