#define _GNU_SOURCE
#include "apus_bytes.h"

#include <string.h>

const void *apus_find_bytes(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length) {
  return memmem(haystack, haystack_length, needle, needle_length);
}
