// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/amounts.hpp"
#include "controller/fleet_hooks.hpp"
#include "controller/inventory.hpp"
#include "proto/names.hpp"
#include "proto/probe_spec.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// How the controller reaches hosts, as far as the fleet file says; ssh_config says the rest.
struct FleetSsh {
  std::optional<std::string> user;
  std::filesystem::path known_hosts;                  // empty: what ssh_config says
  std::filesystem::path config;                       // empty: ~/.ssh/config
  std::vector<std::filesystem::path> identity_files;  // empty: what ssh_config says
  std::chrono::milliseconds connect_timeout{10'000};
  unsigned max_connections = 128;
};

enum class SourceKind { Path, Git };

/// Where a plugin's release comes from.
struct PluginSource {
  SourceKind kind = SourceKind::Path;
  std::filesystem::path path;  // Path: a tree or a bundle (.kfb), resolved against the fleet file's
                               // directory; Git: the repository
  std::string ref;             // Git: a branch, tag or commit
  std::string directory;       // Git: the tree within the repository; empty: all of it
  std::string text;            // as the fleet file has it, for messages
};

struct FleetPlugin {
  PluginName name;
  PluginSource source;
  std::optional<Version> version;  // nothing: the bundle's, or VERSION of handler.lua
  std::string where;               // "fleet.toml:12:1", for messages
};

/// One host, with everything its groups give it. Names below refer to Fleet::plugins and
/// Fleet::probes.
struct FleetHost {
  std::string name;  // a DNS name, an IPv4 or IPv6 address (no brackets), or an alias of ssh_config
  std::optional<std::uint16_t> port;
  HostReach reach;                   // what the inventory says; `port` goes before its port
  std::string agent_command;         // how to reach the agent there
  std::vector<std::string> groups;   // in the file's order; at least one
  std::vector<std::string> plugins;  // of all its groups, each once
  std::vector<std::string> probes;   // likewise
  /// What people call it: "edge-01", "edge-01:2222" or "[2001:db8::7]:2222". No two hosts of a
  /// fleet share one.
  std::string label() const;
};

struct FleetGroup {
  std::string name;
  std::vector<std::string> hosts;  // labels, ranges expanded, in the file's order
};

enum class OnFailure { Rollback, Pause };

struct RolloutPolicy {
  std::vector<Amount> waves = {{Amount::Kind::Count, 1},
                               {Amount::Kind::Percent, 10},
                               {Amount::Kind::Percent, 50},
                               {Amount::Kind::Percent, 100}};  // cumulative; see wave_ends
  std::chrono::milliseconds bake{60'000};
  Amount max_unavailable = {Amount::Kind::Percent, 10};
  unsigned max_failures = 0;
  OnFailure on_failure = OnFailure::Rollback;
  std::chrono::milliseconds deadline{300'000};         // for one host's transaction
  std::chrono::milliseconds confirm_timeout{600'000};  // the lease of an unconfirmed trial
};

/// A fleet file that was read and found free of mistakes: every name that occurs refers to
/// something.
struct Fleet {
  std::filesystem::path path;  // of the fleet file, as given
  std::string name;
  std::string state;  // "sqlite:edge.db": where rollouts are remembered, relative to where we are
  FleetSsh ssh;
  std::vector<FleetPlugin> plugins;  // in the file's order, like all that follow
  std::vector<FleetGroup> groups;
  std::vector<FleetHost> hosts;    // each once, where it occurs first
  std::vector<std::string> notes;  // what was passed over, one sentence each
  RolloutPolicy rollout;
  FleetHooks hooks;
  FleetWebhook webhook;
  std::filesystem::path metrics;  // a Prometheus textfile; empty: none
  std::vector<ProbeSpec>
      probes;  // no commands: what a host executes is declared in its own agent.toml

  /// For names that hosts refer to; they are always there.
  const FleetPlugin& plugin(const std::string& plugin_name) const;
  const ProbeSpec& probe(const std::string& probe_name) const;
  /// The probes of a host, in its order; a smoke test that names no plugin is of the host's only
  /// one.
  std::vector<ProbeSpec> probes_of(const FleetHost& host) const;
};

}  // namespace kongfleet::controller
