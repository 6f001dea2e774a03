// CRC-32C: three interleaved lanes of the SSE4.2 or ARMv8 instruction, joined with precomputed shifts;
// a table where neither instruction exists.
#include "apus_instructions.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u
#define LANE 1024

static uint32_t table[256];
static uint32_t shift_one[4][256];
static uint32_t shift_two[4][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int has_instruction;

static uint32_t by_table(uint32_t state, const uint8_t *p, size_t n) {
  while (n--) state = table[(state ^ *p++) & 0xff] ^ (state >> 8);
  return state;
}

// Each entry is what a byte of the state becomes after `zeros` bytes of zero.
static void make_shift(uint32_t shift[4][256], size_t zeros) {
  for (int byte = 0; byte < 4; byte++)
    for (uint32_t value = 0; value < 256; value++) {
      uint32_t state = value << (8 * byte);
      for (size_t i = 0; i < zeros; i++) state = table[state & 0xff] ^ (state >> 8);
      shift[byte][value] = state;
    }
}

static uint32_t apply_shift(uint32_t shift[4][256], uint32_t state) {
  return shift[0][state & 0xff] ^ shift[1][(state >> 8) & 0xff] ^ shift[2][(state >> 16) & 0xff] ^
         shift[3][state >> 24];
}

static void prepare(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t state = i;
    for (int bit = 0; bit < 8; bit++) state = (state & 1) ? (state >> 1) ^ POLYNOMIAL : state >> 1;
    table[i] = state;
  }
  make_shift(shift_one, LANE);
  make_shift(shift_two, 2 * LANE);
#if defined(__x86_64__)
  has_instruction = __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
  has_instruction = 1;
#endif
}

#if defined(__x86_64__)
#include <nmmintrin.h>
#define TARGET __attribute__((target("sse4.2")))
#define STEP8(state, word) ((uint32_t)_mm_crc32_u64((state), (word)))
#define STEP1(state, byte) _mm_crc32_u8((state), (byte))
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define TARGET
#define STEP8(state, word) __crc32cd((state), (word))
#define STEP1(state, byte) __crc32cb((state), (byte))
#endif

#ifdef STEP8
TARGET static uint32_t by_instruction(uint32_t state, const uint8_t *p, size_t n) {
  uint64_t a, b, c;
  while (n >= 3 * LANE) {
    uint32_t one = state, two = 0, three = 0;
    for (size_t i = 0; i < LANE; i += 8) {
      memcpy(&a, p + i, 8);
      memcpy(&b, p + LANE + i, 8);
      memcpy(&c, p + 2 * LANE + i, 8);
      one = STEP8(one, a);
      two = STEP8(two, b);
      three = STEP8(three, c);
    }
    state = apply_shift(shift_two, one) ^ apply_shift(shift_one, two) ^ three;
    p += 3 * LANE;
    n -= 3 * LANE;
  }
  for (; n >= 8; n -= 8, p += 8) {
    memcpy(&a, p, 8);
    state = STEP8(state, a);
  }
  while (n--) state = STEP1(state, *p++);
  return state;
}
#endif

uint32_t apus_crc32c(uint32_t crc, const void *bytes, size_t length) {
  pthread_once(&once, prepare);
#ifdef STEP8
  if (has_instruction) return ~by_instruction(~crc, bytes, length);
#endif
  return ~by_table(~crc, bytes, length);
}
