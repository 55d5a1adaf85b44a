// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/durations.hpp"

#include <array>
#include <charconv>

namespace kongfleet::controller {

namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds duration_max = std::chrono::hours{365 * 24};

struct Unit {
  std::string_view name;
  Milliseconds length;
};

constexpr std::array<Unit, 5> units = {{{"d", std::chrono::hours{24}},
                                        {"h", std::chrono::hours{1}},
                                        {"m", std::chrono::minutes{1}},
                                        {"s", std::chrono::seconds{1}},
                                        {"ms", Milliseconds{1}}}};

bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Milliseconds sum{0};
  auto unit = units.begin();  // what may still come
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || !digit(text.front())) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    std::size_t letters = 0;
    while (letters < text.size() && !digit(text[letters])) ++letters;
    const auto name = text.substr(0, letters);
    while (unit != units.end() && unit->name != name) ++unit;
    if (unit == units.end() || number > duration_max / unit->length) return std::nullopt;
    sum += number * unit->length;
    text.remove_prefix(letters);
    ++unit;
  }
  if (sum > duration_max) return std::nullopt;
  return sum;
}

std::string text_of(Milliseconds duration) {
  std::string text;
  for (const auto& unit : units) {
    const auto count = duration / unit.length;
    if (count > 0) text += std::to_string(count) + std::string(unit.name);
    duration -= count * unit.length;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace kongfleet::controller
