// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/toml_text.hpp"

#include <algorithm>

namespace kongfleet {

namespace {

// How long the comment or string is that begins at `at`; 0: none does. One that has no end takes
// the rest of its line, or of the text where it may have more lines: the library says so later.
std::size_t opaque_length(std::string_view rest) {
  if (rest.front() == '#') return std::min(rest.find('\n'), rest.size());
  const char quote = rest.front();
  if (quote != '"' && quote != '\'') return 0;
  const bool long_one = rest.size() >= 3 && rest[1] == quote && rest[2] == quote;
  const std::size_t quotes = long_one ? 3 : 1;
  for (auto at = quotes; at < rest.size(); ++at) {
    if (!long_one && rest[at] == '\n') return at;
    if (quote == '"' && rest[at] == '\\') {
      ++at;
    } else if (rest[at] == quote && (!long_one || (rest.substr(at, 3) == rest.substr(0, 3)))) {
      return at + quotes;
    }
  }
  return rest.size();
}

// Where the first character outside of strings and comments is that `wanted` takes.
template <typename Wanted>
std::optional<TextPlace> find_outside(std::string_view text, Wanted wanted) {
  TextPlace place;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark may be there
  while (!text.empty()) {
    const auto opaque = opaque_length(text);
    if (opaque == 0 && wanted(text.front())) return place;
    for (const char c : text.substr(0, std::max<std::size_t>(opaque, 1))) {
      place = c == '\n' ? TextPlace{place.line + 1, 1} : TextPlace{place.line, place.column + 1};
    }
    text.remove_prefix(std::max<std::size_t>(opaque, 1));
  }
  return std::nullopt;
}

}  // namespace

std::optional<TextPlace> stray_character(std::string_view text) {
  return find_outside(text, [](char c) { return static_cast<unsigned char>(c) > 0x7F; });
}

std::optional<TextPlace> nested_too_deep(std::string_view text) {
  constexpr std::size_t dots_together_max = 200;
  std::size_t dots = 0;
  std::size_t brackets = 0;
  return find_outside(text, [&](char c) {
    if (c == '[' || c == '{') ++brackets;
    if (c == ']' || c == '}') brackets -= std::min<std::size_t>(brackets, 1);
    if (c == '\n' && brackets == 0) dots = 0;
    return c == '.' && ++dots > dots_together_max;
  });
}

}  // namespace kongfleet
