// A door to the C library's search in bytes, which Swift's import of it leaves out.
#ifndef APUS_BYTES_H
#define APUS_BYTES_H

#include <stddef.h>

// The first place of `needle` in `haystack`, or NULL.
const void *apus_find_bytes(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);

#endif
