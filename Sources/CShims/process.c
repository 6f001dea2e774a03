#define _GNU_SOURCE
#include "apus_process.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/vfs.h>

void apus_allocator_configure(int arena_count_max, int trim_threshold_bytes) {
  mallopt(M_ARENA_MAX, arena_count_max);
  mallopt(M_TRIM_THRESHOLD, trim_threshold_bytes);
}

void apus_allocator_trim(void) { malloc_trim(0); }

void apus_thread_name(const char *name) { pthread_setname_np(pthread_self(), name); }

long apus_file_system_type(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (long)status.f_type : -1;
}

int apus_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
