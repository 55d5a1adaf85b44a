// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_time.hpp"

#include <algorithm>
#include <array>

namespace kongfleet::agent {

namespace {

bool take_suffix(std::string_view& text, std::string_view lower) {
  if (text.size() <= lower.size()) return false;
  const auto tail = text.substr(text.size() - lower.size());
  const bool same = std::equal(tail.begin(), tail.end(), lower.begin(),
                               [](char c, char want) { return (c | 0x20) == want; });
  if (same) text.remove_suffix(lower.size());
  return same;
}

int digits_value(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

// Equal after the calendar had its say: February has no 30th.
bool is_in_calendar(const std::tm& parts) {
  std::tm again = parts;
  ::timegm(&again);
  return again.tm_mon == parts.tm_mon && again.tm_mday == parts.tm_mday &&
         again.tm_hour == parts.tm_hour && again.tm_min == parts.tm_min &&
         again.tm_sec == parts.tm_sec;
}

}  // namespace

std::optional<std::time_t> parse_ssh_time(std::string_view text) {
  const bool utc = take_suffix(text, "z") || take_suffix(text, "utc");
  const bool numeric = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!numeric || (text.size() != 8 && text.size() != 12 && text.size() != 14)) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t size) {
    return at < text.size() ? digits_value(text.substr(at, size)) : 0;
  };
  std::tm parts{};  // tm_isdst stays 0: standard time
  parts.tm_year = part(0, 4) - 1900;
  parts.tm_mon = part(4, 2) - 1;
  parts.tm_mday = part(6, 2);
  parts.tm_hour = part(8, 2);
  parts.tm_min = part(10, 2);
  parts.tm_sec = part(12, 2);
  if (!is_in_calendar(parts)) return std::nullopt;
  const auto time = utc ? ::timegm(&parts) : std::mktime(&parts);
  if (time <= 0) return std::nullopt;
  return time;
}

}  // namespace kongfleet::agent
