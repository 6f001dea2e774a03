// Comparisons of 64 bytes at once, for which Swift has no intrinsic: a bit for each byte, the first byte the lowest.
#ifndef APUS_MASKS_H
#define APUS_MASKS_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>

// The bytes that equal `byte`.
static inline uint64_t apus_mask_equal(const void *bytes, uint8_t byte) {
  const __m128i *blocks = (const __m128i *)bytes;
  const __m128i wanted = _mm_set1_epi8((char)byte);
  uint64_t mask = 0;
  for (int block = 0; block < 4; block++) {
    const __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(blocks + block), wanted);
    mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(equal) << (16 * block);
  }
  return mask;
}

// The bytes that a metric's name may have: [a-zA-Z0-9_:].
static inline uint64_t apus_mask_name(const void *bytes) {
  const __m128i *blocks = (const __m128i *)bytes;
  uint64_t mask = 0;
  for (int block = 0; block < 4; block++) {
    const __m128i text = _mm_loadu_si128(blocks + block);
    const __m128i letter = _mm_sub_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    const __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
    const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
    const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(10)), digit);
    const __m128i is_line = _mm_cmpeq_epi8(text, _mm_set1_epi8('_'));
    const __m128i is_name = _mm_or_si128(_mm_or_si128(is_letter, is_digit), is_line);
    mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_name) << (16 * block);
  }
  return mask;
}

#else

static inline uint64_t apus_mask_equal(const void *bytes, uint8_t byte) {
  const uint8_t *text = (const uint8_t *)bytes;
  uint64_t mask = 0;
  for (int place = 0; place < 64; place++) mask |= (uint64_t)(text[place] == byte) << place;
  return mask;
}

static inline uint64_t apus_mask_name(const void *bytes) {
  const uint8_t *text = (const uint8_t *)bytes;
  uint64_t mask = 0;
  for (int place = 0; place < 64; place++) {
    const uint8_t letter = (uint8_t)((text[place] | 0x20) - 'a'), digit = (uint8_t)(text[place] - '0');
    mask |= (uint64_t)(letter < 26 || digit <= 10 || text[place] == '_') << place;
  }
  return mask;
}

#endif

#endif
