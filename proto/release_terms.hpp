// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/digest.hpp"
#include "proto/names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet {

/// A release of another plugin that a signed one is taken beside, and without which it is not.
struct Companion {
  PluginName name;
  Version version;
  Digest digest;
  bool operator==(const Companion&) const = default;
  /// "my-plugin@1.0.0"
  std::string release() const { return name.text() + "@" + version.text(); }
};

/// What a signature promises besides the content: for which fleet the release was signed, its place
/// among the signed releases of its plugin, until when hosts may begin to run it, and which
/// releases of other plugins have to run beside it. Lines of the manifest's text; the first three
/// all or none:
///
///     fleet edge
///     serial 1795874400
///     expires 2027-02-26T14:00:00Z
///     with other-plugin 1.4.0 <64 hex digits>
struct ReleaseTerms {
  std::string fleet;  // its name, a plain one (proto/names.hpp)
  std::uint64_t serial =
      0;  // 1 to release_serial_max; a later release of the plugin has a higher one
  std::int64_t expires = 0;          // Unix time, seconds, UTC; 1970 to 9999
  std::vector<Companion> with = {};  // sorted by name, no name twice; at most companions_max
  bool operator==(const ReleaseTerms&) const = default;
};

constexpr std::size_t companions_max = 64;

/// What signatures over releases are for and no others (PROTOCOL.sshsig: "namespace").
constexpr std::string_view release_namespace = "kongfleet-release-v1";

constexpr std::uint64_t release_serial_max = 999'999'999'999'999'999;

/// The decimal number of a serial, without leading zeros. Nothing for any other text.
std::optional<std::uint64_t> parse_serial(std::string_view text);
/// "2027-02-26T14:00:00Z" (RFC 3339, UTC, whole seconds) and back. Nothing for any other form and
/// for days there are not.
std::string expiry_text(std::int64_t unix_time);
std::optional<std::int64_t> parse_expiry(std::string_view text);

}  // namespace kongfleet
