// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/moment.hpp"

#include <cstdio>
#include <ctime>

namespace kongfleet::controller {

namespace {

constexpr std::int64_t ms_per_s = 1000;

std::string formatted(const char* format, const std::tm& parts) {
  char text[40];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

}  // namespace

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / ms_per_s;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return formatted("%Y-%m-%d %H:%M:%S", parts);
}

std::string utc_text(std::int64_t ms) {
  const std::time_t seconds = ms / ms_per_s;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(ms % ms_per_s));
  return formatted("%Y-%m-%dT%H:%M:%S", parts) + fraction;
}

}  // namespace kongfleet::controller
