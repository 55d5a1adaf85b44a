// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/release_terms.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace kongfleet {

namespace {

constexpr std::string_view expiry_form = "0000-00-00T00:00:00Z";  // 0: any digit

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int two_digits(std::string_view text, std::size_t at) {
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

}  // namespace

std::optional<std::uint64_t> parse_serial(std::string_view text) {
  std::uint64_t serial = 0;
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, serial);
  if (failed != std::errc() || at != end || text.front() == '0' || serial > release_serial_max)
    return std::nullopt;
  return serial;
}

std::string expiry_text(std::int64_t unix_time) {
  using namespace std::chrono;
  const sys_seconds time{seconds(unix_time)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

std::optional<std::int64_t> parse_expiry(std::string_view text) {
  using namespace std::chrono;
  const bool formed =
      std::equal(text.begin(), text.end(), expiry_form.begin(), expiry_form.end(),
                 [](char c, char form) { return form == '0' ? is_digit(c) : c == form; });
  if (!formed) return std::nullopt;
  const year_month_day date(year(two_digits(text, 0) * 100 + two_digits(text, 2)),
                            month(static_cast<unsigned>(two_digits(text, 5))),
                            day(static_cast<unsigned>(two_digits(text, 8))));
  const auto hour = two_digits(text, 11);
  const auto minute = two_digits(text, 14);
  const auto second = two_digits(text, 17);
  if (!date.ok() || date.year() < year(1970) || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const auto time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  return time.time_since_epoch().count();
}

}  // namespace kongfleet
