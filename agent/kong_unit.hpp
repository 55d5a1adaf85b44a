// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/child_process.hpp"
#include "agent/host_paths.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// Who sets a variable of a unit; what stands further down beats what stands above.
enum class VariableSource {
  Manager,          // systemd itself hands it to every service
  Unit,             // Environment= of the unit file or a drop-in
  EnvironmentFile,  // a file that EnvironmentFile= names
};

/// A variable that Kong gets, and from where.
struct UnitVariable {
  std::string name;
  std::string value;
  std::filesystem::path file;  // empty, line 0: systemd has it from nowhere that can be found
  unsigned line = 0;
  VariableSource source = VariableSource::Unit;
};

/// Something that a file of a unit says, and where.
struct UnitLine {
  std::string text;
  std::filesystem::path file;
  unsigned line = 0;
};

/// A systemd unit as far as configuring, reloading and starting Kong needs it.
struct KongUnit {
  std::string name;
  bool loaded = false;
  int main_pid = 0;
  std::string active;       // ActiveState: "active", "activating", "failed", …
  std::string exec_reload;  // as systemctl shows it: all commands in one text
  std::string exec_start;   // likewise, those of ExecStartPre first
  std::string user;         // User=, or empty
  bool private_tmp = false;
  std::vector<std::filesystem::path> files;  // the unit file, then its drop-ins, in their order
  std::vector<std::filesystem::path> environment_files;  // EnvironmentFile=, existing ones
  std::vector<UnitVariable> variables;  // what Kong gets, in the order of VariableSource; of
                                        // several of one name the last one counts
  std::vector<UnitLine> commands;       // "ExecReload=…" and its like
  std::vector<UnitLine> passed;         // names of PassEnvironment=
  std::vector<UnitLine> unset;          // NAME or NAME=VALUE of UnsetEnvironment=
  std::vector<UnitLine> unseen_files;   // EnvironmentFile= that ought to be there and are not, or
                                        // lie where our own unit lets us see nothing
  /// Environment= as systemd has it loaded, which is older than the files where nobody had systemd
  /// read them since; nothing where it does not tell.
  std::optional<std::vector<std::string>> loaded_environment;
  std::vector<UnitLine> loaded_environment_files;
  /// The variable as Kong gets it, or nullptr.
  const UnitVariable* variable(std::string_view name) const;
};

/// Reads the properties part of KongUnit from `systemctl show` (Id, LoadState, MainPID, ExecReload,
/// ExecStartPre, ExecStart, User, PrivateTmp, FragmentPath, DropInPaths, Environment,
/// EnvironmentFiles). One unit for each block of lines.
std::vector<KongUnit> parse_units(std::string_view shown);

/// The variables that systemd itself hands to Kong, from `systemctl show-environment`: those that
/// begin with KONG_.
std::vector<UnitVariable> parse_manager_environment(std::string_view shown);

/// Finds the DefaultEnvironment= of system.conf, or of a file in system.conf.d, that each of them
/// comes from, if one does: `systemctl set-environment` leaves no trace.
void find_places(std::vector<UnitVariable>& variables, const std::filesystem::path& systemd_conf);

/// Reads the environment and the commands from the unit's own files, because only they tell where
/// something comes from, and puts them behind the variables that are there already. Quoting,
/// comments and precedence as in systemd.exec(5); specifiers that the unit's name does not decide
/// stay as they are. What can't be read sets nothing.
void read_environment(KongUnit& unit);

/// What the unit sets by itself (Environment=), as the text of an environment file.
std::string own_variables(const KongUnit& unit);

/// systemd on this host, through its own commands.
class Systemd {
public:
  explicit Systemd(const HostPaths& paths) : paths_(paths) {}
  /// True where systemd runs this host and systemctl is there.
  bool present() const;
  /// The units of those names that exist, with environment.
  std::vector<KongUnit> show(const std::vector<std::string>& names,
                             std::chrono::steady_clock::time_point deadline) const;
  /// What `systemctl show` says of some properties of a unit, one a line.
  std::string properties(const std::string& unit, const std::vector<std::string>& names,
                         std::chrono::steady_clock::time_point deadline) const;
  /// `systemctl daemon-reload`: has systemd read all unit files anew. An empty string, or why not.
  std::string daemon_reload(std::chrono::steady_clock::time_point deadline) const;
  /// `systemctl reload`: an empty string, or why not, with what the unit's commands said last where
  /// the journal has it. Given up once Kong does not run any more: while the host goes down, a
  /// reload of a unit that was stopped waits for units that wait for us (systemd.unit(5), After=).
  std::string reload(const std::string& unit, std::chrono::steady_clock::time_point deadline,
                     const std::function<bool()>& runs) const;
  /// Runs a program as a transient unit with the environment files and user of `unit`, apart from
  /// us and our limits, with `extra` ("NAME=value") overriding, and without the variables named in
  /// `without`. Arguments are for everybody to see: what `unit` sets by itself has to be in the
  /// first of the files (own_variables()). Exit code 127 and "unsupported" as errors where this
  /// systemd-run can't (before 236).
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
  ChildResult run(std::vector<std::string> argv, std::chrono::steady_clock::time_point deadline,
                  const std::function<bool()>& wanted = {}) const;
  std::string last_words(const std::string& unit) const;
  const HostPaths& paths_;
};

}  // namespace kongfleet::agent
