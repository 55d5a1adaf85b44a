// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_settings.hpp"

#include "proto/error.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace kongfleet::controller {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

SshSettings SshSettings::of_user() {
  SshSettings settings;
  const passwd* entry = ::getpwuid(::getuid());
  settings.home = environment("HOME");
  if (entry != nullptr) settings.local_user = entry->pw_name;
  if (entry != nullptr && settings.home.empty()) settings.home = entry->pw_dir;
  if (settings.local_user.empty()) settings.local_user = environment("USER");
  if (settings.local_user.empty()) {
    throw Error("finding out who we are: no user has the id " + std::to_string(::getuid()));
  }
  settings.config_files = {settings.home + "/.ssh/config", "/etc/ssh/ssh_config"};
  settings.agent_socket = environment("SSH_AUTH_SOCK");
  settings.ask_passphrase = controller::ask_passphrase;
  return settings;
}

}  // namespace kongfleet::controller
