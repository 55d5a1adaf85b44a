// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_ssh.hpp"

#include <unistd.h>

namespace kongfleet::controller {

SshSettings ssh_settings_of(const Fleet& fleet) {
  auto settings = SshSettings::of_user();
  if (fleet.ssh.user) settings.user = fleet.ssh.user;
  if (!fleet.ssh.known_hosts.empty()) settings.known_hosts = {fleet.ssh.known_hosts};
  if (!fleet.ssh.config.empty()) settings.config_files = {fleet.ssh.config};
  for (const auto& file : fleet.ssh.identity_files)
    settings.identity_files.push_back(file.string());
  settings.connect_timeout = fleet.ssh.connect_timeout;
  settings.max_connections = fleet.ssh.max_connections;
  return settings;
}

std::string who_we_are(const SshSettings& settings) {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return settings.local_user + "@" + name;
}

HostAddress address_of(const FleetHost& host, const FleetSsh& ssh) {
  HostAddress address;
  address.name = host.reach.address.empty() ? host.name : host.reach.address;
  address.port = host.port ? host.port : host.reach.port;
  if (!ssh.user) address.user = host.reach.user;
  if (ssh.identity_files.empty()) address.identity_files = host.reach.identity_files;
  return address;
}

}  // namespace kongfleet::controller
