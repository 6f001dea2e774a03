// RE2 behind plain C: matching of byte strings, fully anchored but for the first match.
#ifndef APUS_RE2_H
#define APUS_RE2_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct apus_re2 apus_re2;

// Compiles `pattern`. On failure returns NULL and writes a NUL-terminated reason into `error`.
apus_re2 *apus_re2_new(const char *pattern, size_t length, int64_t memory_bytes_max, char *error, size_t error_size);
void apus_re2_free(apus_re2 *regex);
// Whether the whole of `text` matches. Safe from several threads at once.
int apus_re2_full_match(const apus_re2 *regex, const char *text, size_t length);
// The number of capturing groups.
int apus_re2_group_count(const apus_re2 *regex);
// The whole of `text` matched with its groups: `groups` receives start and end offsets, -1 where a group took no part.
// Group 0 is the whole match. Returns 0 where it does not match.
int apus_re2_full_match_groups(
  const apus_re2 *regex, const char *text, size_t length, int64_t *groups, size_t group_count);
// The first match that begins at `start` or behind it, anywhere in the text, with its groups.
int apus_re2_first_match_groups(
  const apus_re2 *regex, const char *text, size_t length, size_t start, int64_t *groups, size_t group_count);
// The index of a named group, or -1.
int apus_re2_named_group(const apus_re2 *regex, const char *name, size_t length);

#ifdef __cplusplus
}
#endif
#endif
