// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// What a host is that may have no agent yet: the answer of survey_script(). Text is the host's,
/// made printable.
struct HostSurvey {
  bool root = false;     // who asked is
  std::string machine;   // uname -m
  std::string kernel;    // uname -r
  bool systemd = false;  // it runs there as PID 1
  unsigned systemd_version = 0;
  bool is_unfiltered = false;  // a drop-in empties SystemCallFilter= of both units of the agent
  bool has_dpkg = false;
  bool has_rpm = false;
  std::string sshd_version;           // "9.2"; empty: it did not say
  bool sshd_forces_command = false;   // the login gets the agent and nothing else, sshd says
  bool sshd_reads_directory = false;  // sshd_config includes /etc/ssh/sshd_config.d
  std::string sshd_keeps_out;         // "AllowUsers root": the login is not let in; empty: it is
  std::uint64_t free_kib = 0;         // below /var/lib
  // The agent, as far as it is there.
  std::string agent;        // what --version says; empty: none
  std::string installed;    // SHA-256 of the package a bootstrap installed last
  bool socket = false;      // its socket is listened at
  bool key = false;         // the controller's key may log in
  bool configured = false;  // there is an agent.toml
  // Kong: what runs, not what is installed; where there is an agent.toml, the one that it names.
  std::vector<std::string> prefixes;  // of masters that a `kong` started
  std::string role;                   // of the last of them: "traditional", "data_plane", …
  std::string admin_listen;           // its listeners, as Kong has them, or the one that agent.toml
  std::string status_listen;          // names
  std::string unit;  // whose main process the last of them is; empty: started by hand
  std::string conf;  // kong.conf, as a `kong` of the unit is told, else where Kong itself looks
  std::string binary;
  std::string kong;          // what `kong version` says
  bool environment = false;  // KONG_PLUGINS or KONG_LUA_PACKAGE_PATH is set for the unit
  std::vector<std::string> changed_files;  // what a deploy changes: conf, or what sets these
};

/// A program for sh(1) (POSIX) that looks, changes nothing, and prints "name=value" lines. `key`:
/// the public key to look for, "ssh-ed25519 AAAA…". No value of Kong's configuration is printed but
/// its role and where its APIs listen.
std::string survey_script(const std::string& key);

/// Reads what it printed. Throws Error for what no survey prints, and for more than 64 KiB.
HostSurvey parse_survey(std::string_view text);

/// Why no agent can manage this host, and what to do; empty: one can.
std::string why_unmanageable(const HostSurvey& survey);

/// Directories a deploy writes to, and Kong's prefix, where the agent's units do not open them by
/// themselves. Never /etc: what is not to be opened at all why_unmanageable() tells, or the agent
/// where it is configured.
std::vector<std::string> paths_to_open(const HostSurvey& survey);

/// Addresses at which the agent asks Kong and to which its unit is not open by itself: of listeners
/// that are neither the loopback's nor of all addresses, where there is no other.
std::vector<std::string> addresses_to_open(const HostSurvey& survey);

/// The agent.toml that says what was found; empty where there is one.
std::string agent_toml_for(const HostSurvey& survey);

}  // namespace kongfleet::controller
