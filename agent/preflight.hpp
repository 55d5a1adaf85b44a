// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/host_paths.hpp"
#include "agent/unix_user.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// The generation that is to be used, and what surrounds it.
struct PreflightScene {
  std::filesystem::path generation;
  std::string kong_version;
  UnixUser worker;           // who nginx's workers run as
  bool private_tmp = false;  // Kong's unit has its own /tmp
  bool database = false;     // not DB-less, and no data plane: migrations matter
};

/// What the files of a generation would shadow, be shadowed by, or hide from the workers. Reads
/// directories only.
std::vector<Finding> inspect_generation(const PreflightScene& scene, const HostPaths& paths);

/// Takes Kong's own error text apart: "on plugin 'x': …", "from file '…'", "PATH:LINE: …". One
/// finding for each plugin it names, or one for all. `generation` is cut off the file names.
std::vector<Finding> findings_in(std::string_view kong_error,
                                 const std::filesystem::path& generation);

/// True when version "MAJOR.MINOR…" is at least that.
bool version_at_least(std::string_view version, int major, int minor);

}  // namespace kongfleet::agent
