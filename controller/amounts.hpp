// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// A number of hosts: a count, or a share of the hosts a rollout is about.
struct Amount {
  enum class Kind { Count, Percent };
  Kind kind = Kind::Count;
  std::uint32_t value = 0;  // hosts, or percent (1..100)
  bool operator==(const Amount&) const = default;
};

/// From "1%" to "100%"; nothing for any other text. Whole percents only.
std::optional<Amount> parse_share(std::string_view text);

/// "3" or "10%", as one would write it.
std::string text_of(const Amount& amount);

/// How many of `hosts` the amount means at most: shares are rounded down, so that a budget of "10%"
/// is never exceeded, but are at least one host, without which nothing could ever move. Never more
/// than `hosts`.
std::size_t at_most(const Amount& amount, std::size_t hosts);

/// Where each wave ends, as a cumulative number of hosts: shares are rounded up, waves that add no
/// host are left out, and what the last one leaves over becomes one more wave. So: strictly rising,
/// and the last is `hosts`. For no hosts, empty.
std::vector<std::size_t> wave_ends(const std::vector<Amount>& waves, std::size_t hosts);

}  // namespace kongfleet::controller
