// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/probe_spec.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// agent.toml: everything has a default, so that an empty or absent file manages a packaged Kong.
struct Config {
  // [kong]
  std::filesystem::path conf = "/etc/kong/kong.conf";
  std::filesystem::path prefix;    // empty: what kong.conf says, then /usr/local/kong
  std::string binary = "kong";     // a path, or a name looked up in PATH and /usr/local/bin
  std::string unit = "auto";       // a unit's name, "auto", or "none"
  std::string admin = "auto";      // "auto", a URL, or "none"
  std::string status = "auto";     // likewise
  std::string configure = "file";  // where our two keys are changed: "file", "environment"
  // [agent]
  std::filesystem::path socket = "/run/kongfleet/agent.sock";
  std::filesystem::path state = "/var/lib/kongfleet";
  unsigned keep = 5;                                // generations kept for rollback
  std::uint64_t reserve = std::uint64_t{64} << 20;  // bytes of free space a deploy must leave
  std::string group =
      "kongfleet";  // who may speak to the socket besides root, when we make the socket
  // [trust]
  std::string signatures = "optional";  // "off", "optional", "required"
  std::filesystem::path allowed_signers = "/etc/kongfleet/allowed_signers";
  std::filesystem::path revoked_keys;  // a list of ssh-keygen -k, or of public keys; empty: none
  std::string fleet;                   // whose releases this host takes; empty: any fleet's
  unsigned serial_jump = 100'000'000;  // a serial may exceed the last accepted by this much:
                                       // three years, where serials are Unix times
  // [[probe]]
  std::vector<ProbeSpec> probes;
  // Of the file itself: who besides root may write it, or another in its place; empty: nobody.
  std::string who_may_write;
};

constexpr const char* default_config_path = "/etc/kongfleet/agent.toml";

/// Reads `path`. A file that does not exist is all defaults when `path` is `default_path`, else an
/// Error; so is a link that leads nowhere, which was to say something. Throws Error
/// "PATH:LINE:COLUMN: what was found, what would be right" for the first mistake; unknown keys are
/// mistakes, and so are settings that this version does not have yet.
Config load_config(const std::filesystem::path& path,
                   const std::filesystem::path& default_path = default_config_path);

}  // namespace kongfleet::agent
