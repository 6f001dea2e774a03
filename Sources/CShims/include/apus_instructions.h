// CPU instructions without a Swift intrinsic.
#ifndef APUS_INSTRUCTIONS_H
#define APUS_INSTRUCTIONS_H

#include <stddef.h>
#include <stdint.h>

// Asks for the cache line at `address` without waiting for it.
static inline void apus_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
static inline void apus_prefetch_for_write(const void *address) { __builtin_prefetch(address, 1, 3); }

// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc` (0 to start).
uint32_t apus_crc32c(uint32_t crc, const void *bytes, size_t length);

#endif
