// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_pattern.hpp"

#include <algorithm>
#include <cstddef>

namespace kongfleet::agent {

namespace {

// Greedy, going back to the last '*' only: never more than the product of the two lengths.
bool glob_matches(std::string_view name, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (at < name.size()) {
    if (in < pattern.size() && pattern[in] == '*') {
      star = in++;
      retry = at;
    } else if (in < pattern.size() && (pattern[in] == '?' || pattern[in] == name[at])) {
      ++in;
      ++at;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in) == std::string_view::npos;
}

// The next of a list, which it takes away.
std::string_view next_pattern(std::string_view& list) {
  const auto comma = list.find(',');
  const auto pattern = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return pattern;
}

bool has_letters(std::string_view pattern) {
  return std::any_of(pattern.begin(), pattern.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
  });
}

}  // namespace

bool pattern_list_matches(std::string_view name, std::string_view list) {
  bool matched = false;
  while (!list.empty()) {
    auto pattern = next_pattern(list);
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!glob_matches(name, pattern)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

std::string_view why_bad_principals(std::string_view list) {
  if (list.empty() || list.ends_with(',')) return "a name is empty";
  bool somebody = false;
  while (!list.empty()) {
    const auto pattern = next_pattern(list);
    if (pattern.empty() || pattern == "!") return "a name is empty";
    if (pattern.starts_with('!')) continue;
    if (!has_letters(pattern)) return "a pattern takes anybody";
    somebody = true;
  }
  return somebody ? "" : "it only says who is not meant";
}

}  // namespace kongfleet::agent
