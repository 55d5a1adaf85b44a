// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/host_paths.hpp"
#include "agent/unix_user.hpp"

#include <filesystem>
#include <map>
#include <set>
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
};

/// What Kong is asked about before it is reloaded with it.
struct Candidate {
  std::string conf;                  // text of a kong.conf
  std::filesystem::path generation;  // whose files are new; empty: the baseline
  std::string lua_package_path;      // as Kong has both from that text
  std::string plugins;
  unsigned plugins_line = 0;  // of the text; 0: not set there
  bool database = false;      // not DB-less, and no data plane
  std::string declarative;    // declarative_config, or empty
};

/// What the files of a generation would shadow, be shadowed by, or hide from the workers. Reads
/// directories only.
std::vector<Finding> inspect_generation(const PreflightScene& scene, const HostPaths& paths);

/// Copies of those plugins elsewhere on this host that Kong would load before ours ("shadow"), or
/// once ours are taken away ("stale-copy"). What comes with Kong is no copy.
std::vector<Finding> find_copies(const std::set<std::string>& plugins,
                                 const std::string& kong_version, const HostPaths& paths);

/// Plugins of a generation that bring database migrations, and where: paths inside the generation.
std::map<std::string, std::string> plugins_with_migrations(const std::filesystem::path& generation);

/// The line of a plugin's handler.lua that sets `field`, "VERSION" or "PRIORITY"; 0 where none is
/// found.
unsigned line_of_field(const std::filesystem::path& handler, std::string_view field);

/// Takes Kong's own error text apart: "on plugin 'x': …", "from file '…'", "PATH:LINE: …". One
/// finding for each plugin it names, or one for all. `generation` is cut off the file names.
std::vector<Finding> findings_in(std::string_view kong_error,
                                 const std::filesystem::path& generation);

/// True when version "MAJOR.MINOR…" is at least that.
bool version_at_least(std::string_view version, int major, int minor);

}  // namespace kongfleet::agent
