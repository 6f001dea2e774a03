// Counts what a thread asks of malloc and its kin, for tests that claim that something allocates nothing. The functions
// replace the C library's in the program that links them, and hand on to it.
#include "allocation_count.h"

#include <errno.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NOT_COUNTED 1
#endif
#endif

#ifdef NOT_COUNTED
long apus_allocation_count(void) { return -1; }
#else

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread long asked __attribute__((tls_model("initial-exec")));

long apus_allocation_count(void) { return asked; }

void *malloc(size_t size) {
  asked += 1;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  asked += 1;
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  asked += 1;
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  asked += 1;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}
#endif
