#define _GNU_SOURCE
#include "apus_process.h"

#include <malloc.h>
#include <pthread.h>

void apus_allocator_configure(int arena_count_max, int trim_threshold_bytes) {
  mallopt(M_ARENA_MAX, arena_count_max);
  mallopt(M_TRIM_THRESHOLD, trim_threshold_bytes);
}

void apus_allocator_trim(void) { malloc_trim(0); }

void apus_thread_name(const char *name) { pthread_setname_np(pthread_self(), name); }
