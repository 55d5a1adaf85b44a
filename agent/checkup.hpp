// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/baseline.hpp"
#include "agent/gateway.hpp"
#include "agent/outcome.hpp"
#include "proto/manifest.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// How a remedy is put to use.
enum class RemedyKind {
  None,
  Edit,        // a person changes something
  Host,        // a command on this host, as root
  Controller,  // a command where the controller is
};

struct Remedy {
  RemedyKind kind = RemedyKind::None;
  std::string text;
};

enum class CheckVerdict { Right, Warning, Wrong };

/// One thing of a host that was looked at.
struct Check {
  std::string name;  // "kong", "space", "copies", …: stays what it is from version to version
  CheckVerdict verdict = CheckVerdict::Right;
  std::string text;  // what is
  std::string why;   // why it matters: half a sentence; empty where it is right
  Remedy remedy;
};

/// A file, a directory or a socket; nobody's where it is not there.
struct PlaceFacts {
  std::filesystem::path path;
  bool there = false;
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;  // permission bits
};

/// Whether only root and `self` may write there, by its owner and mode.
bool ours_alone(const PlaceFacts& place, uid_t self);

/// A file system, by a directory on it that is written to.
struct SpaceFacts {
  std::filesystem::path path;
  std::uint64_t free_bytes = 0;
  std::uint64_t needed = 0;                  // that are to stay free
  std::optional<std::uint64_t> free_inodes;  // nothing: it has no limit
};

/// What is so on this host, without a verdict. Without what is below `unmanageable` where that says
/// why it could not be looked at.
struct CheckupFacts {
  uid_t self = 0;                     // whom the agent runs as
  std::vector<PlaceFacts> state;      // the agent's directories, and what of them others may write
  PlaceFacts socket;                  // not there: it is another's, as under test
  std::optional<gid_t> socket_group;  // whose it should be; nothing: there is no such group
  std::string socket_group_name;
  std::string signatures;          // "off", "optional", "required"
  PlaceFacts signers;              // allowed_signers
  std::string trust_problem;       // Trust::problem()
  std::vector<Manifest> releases;  // that run, confirmed
  std::int64_t now = 0;            // Unix time, by this host's clock
  std::vector<SpaceFacts> spaces;
  std::optional<OpenState> open;
  std::string stranded_cause;

  std::string unmanageable;  // why Kong can't be found or managed
  GatewayFacts node;
  NodeDetails details;
  std::vector<Finding> overrides;    // what would beat what we write, or keep it from being used
  std::optional<Baseline> baseline;  // generation 0; nothing: it can't be read
  std::string conf_obstacle;         // obstacle_to_replace() of the managed file
  std::vector<std::string> drift;    // none while a transaction is open
};

/// What of that is right, and what is not, with the way to mend it. Always the same checks in the
/// same order, but for those that a Kong is needed for and none could be found. Pure.
std::vector<Check> judge(const CheckupFacts& facts);

}  // namespace kongfleet::agent
