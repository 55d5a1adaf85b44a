// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/child_process.hpp"
#include "agent/gateway.hpp"
#include "agent/host_paths.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// A variable that a unit's files set, and where.
struct UnitVariable {
  std::string name;
  std::string value;
  std::filesystem::path file;
  unsigned line = 0;
};

/// A systemd unit as far as reloading and starting Kong needs it.
struct KongUnit {
  std::string name;
  bool loaded = false;
  int main_pid = 0;
  std::string active;       // ActiveState: "active", "activating", "failed", …
  std::string exec_reload;  // as systemctl shows it: all commands in one text
  std::string user;         // User=, or empty
  bool private_tmp = false;
  std::vector<std::filesystem::path> files;  // the unit file, then its drop-ins, in their order
  std::vector<std::filesystem::path> environment_files;  // EnvironmentFile=, existing ones
  std::vector<UnitVariable>
      variables;  // what Kong gets: Environment=, then environment files; last one wins
  /// The variable as Kong gets it, or nullptr.
  const UnitVariable* variable(std::string_view name) const;
};

/// Reads the properties part of KongUnit from `systemctl show` (Id, LoadState,
/// MainPID, ExecReload, User, PrivateTmp, FragmentPath, DropInPaths). One unit for each block of
/// lines.
std::vector<KongUnit> parse_units(std::string_view shown);

/// Reads the environment part from the unit's own files, because only they tell where a variable
/// comes from. Quoting and comments as in systemd.exec(5); specifiers (%i) stay as they are. What
/// can't be read sets nothing.
void read_environment(KongUnit& unit);

/// systemd on this host, through its own commands.
class Systemd {
public:
  explicit Systemd(const HostPaths& paths) : paths_(paths) {}
  /// True where systemd runs this host and systemctl is there.
  bool present() const;
  /// The units of those names that exist, with environment.
  std::vector<KongUnit> show(const std::vector<std::string>& names,
                             std::chrono::steady_clock::time_point deadline) const;
  /// `systemctl reload`: an empty string, or why not, with what the unit's commands said last where
  /// the journal has it.
  std::string reload(const std::string& unit, std::chrono::steady_clock::time_point deadline) const;
  /// Runs a program as a transient unit with the environment and user of `unit`, apart from us and
  /// our limits, with `extra` ("NAME=value") overriding, and without the variables named in
  /// `without`. Exit code 127 and "unsupported" as errors where this systemd-run can't (before
  /// 236).
  ChildResult run_like(const KongUnit& unit, const std::vector<std::string>& argv,
                       const std::vector<std::string>& extra,
                       const std::vector<std::string>& without,
                       std::chrono::steady_clock::time_point deadline) const;
  /// What a unit logged after a cursor (journal text in nginx's format), or nothing where there is
  /// no journal.
  std::optional<std::string> journal_after(const std::string& unit, const std::string& cursor,
                                           std::chrono::steady_clock::time_point deadline) const;
  /// The cursor of the journal's last entry; empty where there is no journal.
  std::string journal_cursor(std::chrono::steady_clock::time_point deadline) const;

private:
  ChildResult run(std::vector<std::string> argv,
                  std::chrono::steady_clock::time_point deadline) const;
  std::string last_words(const std::string& unit) const;
  const HostPaths& paths_;
};

/// What the unit sets over kong.conf for `lua_package_path` and `plugins` (KONG_* beat the file,
/// even empty ones).
std::vector<Finding> unit_overrides(const KongUnit& unit);

/// Why `systemctl reload` would not have Kong read `conf`, or nothing: ExecReload is missing, does
/// not run `kong prepare` (or `kong reload -c`) first, or has it read another file.
std::optional<Finding> reload_defect(const KongUnit& unit, const std::filesystem::path& conf);

}  // namespace kongfleet::agent
