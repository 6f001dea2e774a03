#include "apus_re2.h"

#include <re2/re2.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

struct apus_re2 {
  std::unique_ptr<RE2> regex;
};

apus_re2 *apus_re2_new(const char *pattern, size_t length, int64_t memory_bytes_max, char *error, size_t error_size) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(memory_bytes_max);
  auto regex = std::make_unique<RE2>(re2::StringPiece(pattern, length), options);
  if (!regex->ok()) {
    if (error_size > 0) {
      std::strncpy(error, regex->error().c_str(), error_size - 1);
      error[error_size - 1] = 0;
    }
    return nullptr;
  }
  return new apus_re2{std::move(regex)};
}

void apus_re2_free(apus_re2 *regex) { delete regex; }

int apus_re2_full_match(const apus_re2 *regex, const char *text, size_t length) {
  return regex->regex->Match(re2::StringPiece(text, length), 0, length, RE2::ANCHOR_BOTH, nullptr, 0);
}

int apus_re2_group_count(const apus_re2 *regex) { return regex->regex->NumberOfCapturingGroups(); }

static int match_groups(
    const apus_re2 *regex, const char *text, size_t length, size_t start, RE2::Anchor anchor, int64_t *groups,
    size_t group_count) {
  // An empty text may have no address, which would look like a group that took no part.
  if (text == nullptr) text = "";
  std::vector<re2::StringPiece> pieces(group_count);
  if (!regex->regex->Match(re2::StringPiece(text, length), start, length, anchor, pieces.data(),
                           static_cast<int>(group_count)))
    return 0;
  for (size_t i = 0; i < group_count; i++) {
    bool took_part = pieces[i].data() != nullptr;
    groups[2 * i] = took_part ? pieces[i].data() - text : -1;
    groups[2 * i + 1] = took_part ? pieces[i].data() - text + static_cast<int64_t>(pieces[i].size()) : -1;
  }
  return 1;
}

int apus_re2_full_match_groups(
    const apus_re2 *regex, const char *text, size_t length, int64_t *groups, size_t group_count) {
  return match_groups(regex, text, length, 0, RE2::ANCHOR_BOTH, groups, group_count);
}

int apus_re2_first_match_groups(
    const apus_re2 *regex, const char *text, size_t length, size_t start, int64_t *groups, size_t group_count) {
  return match_groups(regex, text, length, start, RE2::UNANCHORED, groups, group_count);
}

int apus_re2_named_group(const apus_re2 *regex, const char *name, size_t length) {
  const auto &groups = regex->regex->NamedCapturingGroups();
  auto found = groups.find(std::string(name, length));
  return found == groups.end() ? -1 : found->second;
}
