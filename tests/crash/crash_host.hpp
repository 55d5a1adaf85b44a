// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace kongfleet::crash {

namespace fs = std::filesystem;

/// A host for proofs: one directory that holds all that an agent and its Kong have, so that it can
/// be copied, put on any file system, and taken away. Paths in it are absolute: a copy is only good
/// at the path of the original.
///
///     ROOT/kong/kong.conf     of user 4321, group 1234, mode 0640; its comments and other settings
///                             must survive
///     ROOT/state/             the agent's
///     ROOT/prefix/            Kong's
///     ROOT/agent.toml, agent.sock
///     ROOT.log                what the agent said
class CrashHost {
public:
  explicit CrashHost(fs::path root) : root_(std::move(root)) {}

  /// Makes everything anew, without Kong running. What was there is deleted.
  void make() const;

  const fs::path& root() const { return root_; }
  fs::path conf() const { return root_ / "kong/kong.conf"; }
  fs::path state() const { return root_ / "state"; }
  fs::path generations() const { return state() / "generations"; }
  fs::path prefix() const { return root_ / "prefix"; }
  fs::path config() const { return root_ / "agent.toml"; }
  fs::path socket() const { return root_ / "agent.sock"; }
  fs::path log() const { return root_.string() + ".log"; }

  /// Starts the tiny gateway with kong.conf. Throws Error when it does not come up.
  void start_kong() const;
  /// Ends it as a power cut does: at once, its files stay.
  void kill_kong() const;
  /// lua_package_path as the master accepted it last; empty when no master ever did.
  std::string serving() const;

  static constexpr uid_t conf_owner = 4321;
  static constexpr gid_t conf_group = 1234;
  static constexpr mode_t conf_mode = 0640;

private:
  fs::path root_;
};

/// The programs under test, as the build made them.
fs::path agent_program();
fs::path kong_program();

/// The whole file. Throws Error where it can't be read.
std::string content_of(const fs::path& path);

}  // namespace kongfleet::crash
