// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet {

namespace {

constexpr std::size_t plugin_name_max = 64;
constexpr std::size_t version_max = 64;
constexpr std::size_t plain_name_max = 64;
constexpr std::size_t component_max = 100;
constexpr std::size_t path_max = 255;
constexpr std::size_t depth_max = 16;

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool letter_or_digit(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }
bool plugin_char(char c) { return lower_or_digit(c) || c == '_' || c == '-'; }
bool version_char(char c) { return letter_or_digit(c) || c == '.' || c == '+' || c == '-'; }
bool plain_char(char c) { return letter_or_digit(c) || c == '_' || c == '-' || c == '.'; }

std::string why_bad_component(std::string_view part) {
  if (part.empty()) return "has an empty component";
  if (part == "." || part == "..") return "has a component '" + std::string(part) + "'";
  if (part.front() == '.') return "has a hidden component '" + printable(part, 100) + "'";
  if (part.front() == '-') return "has a component that begins with '-'";
  if (part.size() > component_max) return "has a component longer than 100 bytes";
  if (!std::all_of(part.begin(), part.end(), plain_char)) {
    return "has a character other than letters, digits, '.', '_' and '-'";
  }
  return {};
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<PluginName> PluginName::parse(std::string_view text) {
  const bool good = !text.empty() && text.size() <= plugin_name_max &&
                    lower_or_digit(text.front()) &&
                    std::all_of(text.begin(), text.end(), plugin_char);
  if (!good) return std::nullopt;
  return PluginName(std::string(text));
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= plain_name_max && letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), plain_char);
}

std::optional<Version> Version::parse(std::string_view text) {
  const bool good = !text.empty() && text.size() <= version_max && letter_or_digit(text.front()) &&
                    std::all_of(text.begin(), text.end(), version_char);
  if (!good) return std::nullopt;
  return Version(std::string(text));
}

std::string why_bad_path(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.front() == '/') return "is absolute";
  if (text.size() > path_max) return "is longer than 255 bytes";
  std::size_t depth = 0;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find('/', start), text.size());
    const auto problem = why_bad_component(text.substr(start, end - start));
    if (!problem.empty()) return problem;
    if (++depth > depth_max) return "is more than 16 directories deep";
    start = end + 1;
  }
  return {};
}

std::optional<RelativePath> RelativePath::parse(std::string_view text) {
  if (!why_bad_path(text).empty()) return std::nullopt;
  return RelativePath(std::string(text));
}

}  // namespace kongfleet
