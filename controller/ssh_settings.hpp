// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_passphrase.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// How this process uses SSH: the fleet file's [ssh], and what the user's surroundings add.
struct SshSettings {
  std::optional<std::string> user;
  std::optional<std::uint16_t> port;
  /// Only these, when there are any; else what ssh_config says, else ssh's own files.
  std::vector<std::filesystem::path> known_hosts;
  /// Before those of ssh_config; a leading "~/" is the user's home.
  std::vector<std::string> identity_files;
  /// ssh_config files, the first one's values win. One that does not exist is empty.
  std::vector<std::filesystem::path> config_files;
  /// For looking the name up, again for the TCP connection, for exchanging keys and for starting
  /// the command; a jump host has its own.
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds auth_timeout{20'000};
  /// Links open at once, and of these how many may be on their way in. sshd turns away those that
  /// are not logged in yet beyond a number (MaxStartups, 10 at first), so jump hosts have their
  /// own.
  std::size_t max_connections = 128;
  std::size_t max_connecting = 64;
  std::size_t max_connecting_per_jump_host = 8;
  std::string agent_socket;  ///< empty: no ssh-agent
  std::string home;          ///< what ~ and %d are
  std::string local_user;    ///< what %u is, and whom we log in as where nothing says otherwise
  AskPassphrase ask_passphrase;

  /// What ssh would use too: ~/.ssh/config and /etc/ssh/ssh_config, SSH_AUTH_SOCK, the user's name
  /// and home, questions on the terminal. Throws Error when the user has no name.
  static SshSettings of_user();
};

}  // namespace kongfleet::controller
