// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"
#include "controller/ssh_config.hpp"
#include "controller/ssh_settings.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// One host on the way: where it is, who we are there, and how both prove it.
struct SshHop {
  std::string name;           ///< as the user wrote it, for messages
  std::string host;           ///< what to connect to: DNS name or address
  std::string host_key_name;  ///< what known_hosts files call it
  std::uint16_t host_key_port = 22;
  std::uint16_t port = 22;
  std::string user;
  std::vector<std::string> identity_files;
  bool default_identities = false;  ///< nobody asked for these files: they are where ssh looks
  bool identities_only = false;
  std::vector<std::filesystem::path> known_hosts;
};

/// The way to a host: its jump hosts in the order they are passed, and last the host itself.
using SshRoute = std::vector<SshHop>;

/// Finds the way to `host`. What the address says goes before the settings of the fleet, and those
/// before ssh_config; jump hosts are the user's, so for them ssh_config alone speaks. Throws
/// LinkError(Config).
SshRoute find_route(const HostAddress& host, const SshSettings& settings, const SshConfig& config);

}  // namespace kongfleet::controller
