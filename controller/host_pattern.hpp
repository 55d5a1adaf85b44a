// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// A host as a pattern names it.
struct PatternHost {
  std::string name;  // a DNS name, an IPv4 or IPv6 address (no brackets), or an alias of ssh_config
  std::optional<std::uint16_t> port;
  bool operator==(const PatternHost&) const = default;
};

/// What is wrong with a pattern, and where: `offset` counts bytes from 0. The text reads "found;
/// what would be right".
class BadHostPattern : public std::runtime_error {
public:
  BadHostPattern(std::size_t offset, const std::string& what)
      : std::runtime_error(what), offset_(offset) {}
  std::size_t offset() const { return offset_; }

private:
  std::size_t offset_;
};

/// More hosts than one pattern can be meant to name: a range with a digit too many.
constexpr std::size_t pattern_hosts_max = 10'000;

/// The hosts that a pattern of the fleet file names, in counting order, the last range turning
/// fastest:
///
///     edge-01.example.net     edge-01:2222     192.0.2.7     [2001:db8::7]     [2001:db8::7]:2222
///     edge-[01-20].example.net                 edge-[1,3,5-7] rack[1-2]-node[01-16]:2222
///     edge-[01-20/2]                           rack-[a-f]
///
/// A range keeps leading zeros: both ends are then equally long. "/2" takes every second one. Names
/// are letters, digits, '.',
/// '-' and '_', do not begin with '-' or '.', and have at most 253 bytes: none can be taken for an
/// option, or for anything by a shell. A name may occur twice. Throws BadHostPattern.
std::vector<PatternHost> expand_host_pattern(std::string_view pattern);

/// As in FleetHost::label.
std::string label_of(const std::string& name, std::optional<std::uint16_t> port);

}  // namespace kongfleet::controller
