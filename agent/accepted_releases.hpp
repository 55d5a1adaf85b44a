// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace kongfleet::agent {

/// The signed releases this host ever confirmed, as far as they bind it: by plugin, the highest
/// serial. Nothing takes one back: an older release comes by `rollback` only, never as a new one.
struct AcceptedReleases {
  std::map<std::string, std::uint64_t, std::less<>> serials;
  std::int64_t latest = 0;  // Unix time of the last one, by this host's clock

  /// What `file` says; nothing accepted where there is none. Throws Error where it can't be read:
  /// taken for empty, it would let every old release in.
  static AcceptedReleases read(const std::filesystem::path& file);
  /// Makes `file` say it, durably. Throws Error.
  void write(const std::filesystem::path& file) const;
  bool operator==(const AcceptedReleases&) const = default;
};

}  // namespace kongfleet::agent
