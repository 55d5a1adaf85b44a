// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/lua_number.hpp"

#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace kongfleet::agent {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view hex_digits = "0123456789abcdef";

/// Takes `word` off the front of `text` if it stands there.
bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Takes all of `allowed` off the front of `text`, and says how many those were.
std::size_t take_all(std::string_view& text, std::string_view allowed) {
  const auto count = std::min(text.find_first_not_of(allowed), text.size());
  text.remove_prefix(count);
  return count;
}

/// Digits with at most one point and at least one digit, then perhaps an exponent, then nothing.
bool is_number_of(std::string_view text, std::string_view allowed, char exponent) {
  auto count = take_all(text, allowed);
  if (take(text, ".")) count += take_all(text, allowed);
  if (count == 0) return false;
  if (!take(text, std::string_view(&exponent, 1))) return text.empty();
  if (!take(text, "+")) take(text, "-");
  return take_all(text, digits) > 0 && text.empty();
}

std::optional<double> word_or_binary(std::string_view text) {
  if (text == "inf" || text == "infinity") return std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (!take(text, "0b")) return std::nullopt;
  if (text.empty() || text.find_first_not_of("01") != std::string_view::npos) return std::nullopt;
  take_all(text, "0");
  if (text.size() > 64) return std::nullopt;
  return static_cast<double>(std::strtoull(std::string(text).c_str(), nullptr, 2));
}

std::optional<double> magnitude(const std::string& text) {
  if (const auto number = word_or_binary(text)) return number;
  const bool hex = text.starts_with("0x");
  const bool valid = hex ? is_number_of(std::string_view(text).substr(2), hex_digits, 'p')
                         : is_number_of(text, digits, 'e');
  // strtod rounds as LuaJIT does, and gives infinity or 0 outside the range. The agent sets no
  // locale.
  return valid ? std::optional(std::strtod(text.c_str(), nullptr)) : std::nullopt;
}

}  // namespace

std::optional<std::string> lua_number(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\v\f\r";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  text = text.substr(0, text.find_last_not_of(blanks) + 1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);

  const auto number = magnitude(lower_case(text));
  if (!number) return std::nullopt;
  if (std::isnan(*number)) return "nan";
  std::array<char, 32> printed{};
  const int length =
      std::snprintf(printed.data(), printed.size(), "%.14g", negative ? -*number : *number);
  return std::string(printed.data(), static_cast<std::size_t>(length));
}

}  // namespace kongfleet::agent
