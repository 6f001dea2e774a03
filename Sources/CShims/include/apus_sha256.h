// SHA-256's inner loop (FIPS 180-4), in C for its speed: Swift's checks of every sum and index cost several times as much.
#ifndef APUS_SHA256_H
#define APUS_SHA256_H

#include <stddef.h>
#include <stdint.h>

// Takes `count` whole blocks of 64 bytes into the eight words of `state`.
void apus_sha256_blocks(uint32_t *state, const void *blocks, size_t count);
// The same without the processor's own instructions.
void apus_sha256_blocks_portable(uint32_t *state, const void *blocks, size_t count);

#endif
