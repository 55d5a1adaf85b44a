// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet {

/// What a signature promises besides the content: for which fleet the release was signed, its place
/// among the signed releases of its plugin, and until when hosts may begin to run it. Three lines
/// of the manifest's text, all or none:
///
///     fleet edge
///     serial 1795874400
///     expires 2027-02-26T14:00:00Z
struct ReleaseTerms {
  std::string fleet;  // its name, a plain one (proto/names.hpp)
  std::uint64_t serial =
      0;  // 1 to release_serial_max; a later release of the plugin has a higher one
  std::int64_t expires = 0;  // Unix time, seconds, UTC; 1970 to 9999
  bool operator==(const ReleaseTerms&) const = default;
};

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
