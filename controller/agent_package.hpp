// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_survey.hpp"
#include "proto/digest.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

enum class PackageKind { Deb, Rpm, Tarball };

/// kongfleet-agent as one file, as packaging makes it; what a bootstrap installs on hosts.
struct AgentPackage {
  PackageKind kind = PackageKind::Tarball;
  std::shared_ptr<const std::string> bytes;
  Digest digest;

  /// Reads it; the name's end says the kind: .deb, .rpm, .tar.gz. Throws Error for any other, and
  /// for one whose first bytes are another kind's.
  static AgentPackage read(const std::filesystem::path& path);
  /// Why it can't be installed on that host; empty: it can.
  std::string why_not(const HostSurvey& survey) const;
};

struct InstallOrder {
  std::string key;                 // who may log in: "ssh-ed25519 AAAA…"
  std::string toml;                // agent.toml, where there is none yet
  std::string unit;                // Kong's, which starts after what takes back at boot; or empty
  std::vector<std::string> paths;  // directories to open to the agent's units
  std::vector<std::string> addresses;  // addresses to open to the agent
};

/// A program for sh(1), run as root, that takes the package from its standard input and installs it
/// so that the agent listens and works as ordered. Run again, or after it was cut off, it ends the
/// same. Its exit code says whether all was well; what went wrong is on its stderr.
std::string install_script(const AgentPackage& package, const InstallOrder& order);

}  // namespace kongfleet::controller
