// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Generation 0: what kong.conf said before kongfleet first changed it.
struct Baseline {
  std::string conf;                             // path of kong.conf
  std::optional<std::string> lua_package_path;  // as Kong read it; nothing: Kong's default applied
  std::optional<std::string> plugins;
  /// Whether `name` stood in `plugins` then: it stays there when our release of it goes.
  bool lists(const std::string& name) const;
  bool operator==(const Baseline&) const = default;
};

/// The baseline kept at `path`, or nothing where the host was never adopted. Throws Error for one
/// that can't be read.
std::optional<Baseline> load_baseline(const std::filesystem::path& path);
/// Keeps it, durably, before the first change.
void save_baseline(const std::filesystem::path& path, const Baseline& baseline);

}  // namespace kongfleet::agent
