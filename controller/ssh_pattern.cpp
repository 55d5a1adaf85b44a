// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_pattern.hpp"

namespace kongfleet::controller {

bool pattern_matches(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t last_star = std::string_view::npos;
  std::size_t retry_at = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      last_star = in_pattern++;
      retry_at = at;
    } else if (in_pattern < pattern.size() &&
               (pattern[in_pattern] == '?' || pattern[in_pattern] == text[at])) {
      ++in_pattern;
      ++at;
    } else if (last_star != std::string_view::npos) {
      in_pattern = last_star + 1;  // let the last star take one character more
      at = ++retry_at;
    } else {
      return false;
    }
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
  return in_pattern == pattern.size();
}

bool is_pattern(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

bool pattern_list_matches(std::string_view text, const std::vector<std::string>& patterns) {
  bool matched = false;
  for (const std::string_view pattern : patterns) {
    if (pattern.starts_with('!')) {
      if (pattern_matches(text, pattern.substr(1))) return false;
    } else if (!matched) {
      matched = pattern_matches(text, pattern);
    }
  }
  return matched;
}

bool pattern_list_matches(std::string_view text, std::string_view patterns_with_commas) {
  return pattern_list_matches(text, split_list(patterns_with_commas, ','));
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace kongfleet::controller
