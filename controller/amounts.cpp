// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/amounts.hpp"

#include <algorithm>
#include <charconv>

namespace kongfleet::controller {

namespace {

constexpr std::size_t whole = 100;

std::size_t rounded_up(const Amount& amount, std::size_t hosts) {
  if (amount.kind == Amount::Kind::Count) return std::min<std::size_t>(amount.value, hosts);
  return (hosts * amount.value + whole - 1) / whole;
}

}  // namespace

std::optional<Amount> parse_share(std::string_view text) {
  if (text.size() < 2 || text.back() != '%' || text.front() == '0') return std::nullopt;
  const char* const end = text.data() + text.size() - 1;
  std::uint32_t percent = 0;
  const auto [stop, ec] = std::from_chars(text.data(), end, percent);
  if (ec != std::errc() || stop != end || percent < 1 || percent > whole) return std::nullopt;
  return Amount{Amount::Kind::Percent, percent};
}

std::string text_of(const Amount& amount) {
  return std::to_string(amount.value) + (amount.kind == Amount::Kind::Percent ? "%" : "");
}

std::size_t at_most(const Amount& amount, std::size_t hosts) {
  if (amount.kind == Amount::Kind::Count) return std::min<std::size_t>(amount.value, hosts);
  return std::min(std::max<std::size_t>(hosts * amount.value / whole, 1), hosts);
}

std::vector<std::size_t> wave_ends(const std::vector<Amount>& waves, std::size_t hosts) {
  std::vector<std::size_t> ends;
  std::size_t reached = 0;
  for (const auto& wave : waves) {
    const auto end = rounded_up(wave, hosts);
    if (end <= reached) continue;
    ends.push_back(end);
    reached = end;
  }
  if (reached < hosts) ends.push_back(hosts);
  return ends;
}

}  // namespace kongfleet::controller
