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

}  // namespace

std::optional<TextPlace> stray_character(std::string_view text) {
  TextPlace place;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark may be there
  while (!text.empty()) {
    const auto opaque = opaque_length(text);
    if (opaque == 0 && static_cast<unsigned char>(text.front()) > 0x7F) return place;
    for (const char c : text.substr(0, std::max<std::size_t>(opaque, 1))) {
      place = c == '\n' ? TextPlace{place.line + 1, 1} : TextPlace{place.line, place.column + 1};
    }
    text.remove_prefix(std::max<std::size_t>(opaque, 1));
  }
  return std::nullopt;
}

}  // namespace kongfleet
