// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/kong_conf.hpp"
#include "agent/kong_unit.hpp"
#include "agent/managed_file.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kongfleet::agent {

/// Who has the last word on a key; what stands further down beats what stands above.
enum class ValueSource {
  Default,  // nobody says anything
  KongConf,
  Manager,  // systemd hands KONG_… to every service
  Unit,     // Environment= of the unit file or a drop-in
  EnvironmentFile,
  Unknown,  // .kong_env has something that none of these says
};

/// What Kong uses for a key, and why.
struct EffectiveValue {
  std::string value;
  ValueSource source = ValueSource::Default;
  std::filesystem::path file;  // empty where there is none
  unsigned line = 0;
};

/// All that decides Kong's configuration on a host, already read.
struct ConfigurationScene {
  std::filesystem::path conf;            // kong.conf, there or not
  const KongConf* configured = nullptr;  // what it says; nullptr: it is not there
  bool by_default = false;               // Kong finds it without being told
  const KongUnit* unit = nullptr;        // what owns Kong; nullptr: it was started by hand
  const KongConf* kong_env = nullptr;  // PREFIX/.kong_env, what Kong made of it when it last looked
  bool edited_since = false;           // what decides was edited after that
  bool by_environment = false;         // [kong] configure = "environment"
};

/// What Kong uses for "lua_package_path" or "plugins".
EffectiveValue effective_value(const ConfigurationScene& scene, std::string_view key);

/// What keeps what we write from being what Kong uses (P7), each with its file and line: variables
/// of the unit, of systemd or of a command that beat it, a variable that is taken away, unit files
/// that systemd has not read, a unit whose reload or start reads something else, a value in
/// .kong_env that nothing we know of explains; and what a Kong that was started by hand has besides
/// that our file does not. Empty: nothing does.
std::vector<Finding> configuration_obstacles(const ConfigurationScene& scene);

/// The one file in which both variables can be changed, for [kong] configure = "environment"; or
/// why there is none, with the lines to write and where. `units`: where units of the host's own
/// lie.
std::variant<ManagedFile, Finding> environment_to_manage(const ConfigurationScene& scene,
                                                         const std::filesystem::path& units);

}  // namespace kongfleet::agent
