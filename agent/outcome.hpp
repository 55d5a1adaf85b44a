// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/steps.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// One release as it runs here.
struct ReleaseState {
  std::string name;
  std::string version;
  std::string digest;  // hex, of its manifest
};

/// A transaction that is not over, as others see it.
struct OpenState {
  std::string id;
  std::string holder;
  std::string step;
  std::chrono::seconds age{0};
  std::chrono::seconds lease_left{0};  // only in trial
  std::uint64_t generation = 0;
};

/// What this host is, read when it was asked for.
struct HostState {
  std::string kong_version;
  std::string role;
  std::uint64_t generation = 0;
  std::string generation_digest;
  std::vector<ReleaseState> releases;
  std::vector<std::string> drift;
  std::optional<OpenState> open;
  std::string state;   // "ready", "trial", "changing", "stranded", "unmanageable"
  std::string advice;  // with the last two: why, and the way out
  std::string kong_conf;
  std::string unit;
  std::vector<std::uint64_t> generations;  // kept, newest first
  std::size_t draining = 0;  // workers of before that still end their connections; no harm
  std::optional<std::uint64_t> before;  // where a way back leads that names no generation
};

struct StepTime {
  Step step;
  std::chrono::milliseconds took{0};
  bool ok = false;
  std::string detail;
};

enum class Result { Unknown, Unchanged, Refused, Trial, Committed, RolledBack, Stranded };

/// How a transaction stands or ended, with the evidence.
struct Outcome {
  std::string transaction;
  Result result = Result::Unknown;
  std::string cause;
  std::vector<StepTime> steps;
  std::vector<Finding> findings;
  std::vector<ProbeOutcome> probes;
  std::string error_log;
  std::vector<WorkerRow> workers;
  std::chrono::milliseconds lease_left{0};
};

/// Told at the beginning of every step, and of what is worth saying inside one. Must not throw.
using ProgressSink = std::function<void(Step, const std::string& text)>;

}  // namespace kongfleet::agent
