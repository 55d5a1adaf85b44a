// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/kong_conf_edit.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace kongfleet::agent {

/// The kinds of file in which lua_package_path and plugins can be ours to change.
enum class ConfigurationKind {
  KongConf,
  UnitFile,         // Environment= of Kong's unit file or a drop-in; systemd has to read it anew
  EnvironmentFile,  // a file that EnvironmentFile= names; read whenever a command of the unit runs
};

/// "file", "unit", "environment-file": as the journal has it.
const char* kind_name(ConfigurationKind kind);
std::optional<ConfigurationKind> kind_of(std::string_view name);

/// The two keys' values, as a file has them or as Kong gets them.
struct KeyValues {
  std::optional<std::string> lua_package_path;  // nothing: the file does not set it
  std::optional<std::string> plugins;
  unsigned plugins_line = 0;  // where the file sets `plugins`; 0: it does not
};

/// The one file in which both keys are changed, with one switch.
struct ManagedFile {
  std::filesystem::path path;
  ConfigurationKind kind = ConfigurationKind::KongConf;
  KeyValues elsewhere;  // what Kong has for a key that the file does not set, from another place
};

/// What the text of such a file says. A ConfProblem where Kong could not read it.
std::variant<KeyValues, ConfProblem> read_values(std::string_view text, ConfigurationKind kind,
                                                 ConfDialect dialect);

/// edit() of kong_conf_edit.hpp or edit_environment() of environment_edit.hpp, by `file.kind`.
std::variant<Edited, ConfProblem> edit_managed(std::string_view text, const ManagedFile& file,
                                               ConfDialect dialect, const Change& change);

}  // namespace kongfleet::agent
