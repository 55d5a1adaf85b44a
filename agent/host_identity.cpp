// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/host_identity.hpp"

#include <sys/stat.h>

#include <fstream>

namespace kongfleet::agent {

std::string host_identity(const std::filesystem::path& state) {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  struct stat status {};
  if (!std::getline(file, boot) || boot.empty() || ::stat(state.c_str(), &status) != 0) return "";
  return boot + "/" + std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

}  // namespace kongfleet::agent
