// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"
#include "controller/rollout.hpp"
#include "controller/rollout_memory.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// What a person or a program sees of a rollout while it runs. Called from one thread; must not
/// throw.
class RunView {
public:
  virtual ~RunView() = default;
  virtual void wave(std::size_t number, std::size_t of, std::size_t hosts) = 0;
  virtual void baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) = 0;
  virtual void step(const HostRun& host, const wire::Progress& progress) = 0;
  virtual void phase(const HostRun& host, HostPhase phase) = 0;
  /// Nothing new starts from here on.
  virtual void stopping(const std::string& why) = 0;

  /// Before anything is done: another rollout that is not over is ended by this run; `text` says
  /// what that means.
  virtual void ends(const RememberedRollout& /*other*/, const std::string& /*text*/) {}

  // What one that writes down also wants to know; the others need not care.

  /// The host is about to be told: `phase` is what it is in from now on.
  virtual void intends(const HostRun&, HostPhase) {}
  /// What was told so far is to outlast us before anything is done. Throws Error when it can't,
  /// Ousted when it is no longer ours to do.
  virtual void commit(const Rollout&) {}
  /// Called every few seconds. Throws as above.
  virtual void beat() {}
  /// Called right before a host is told anything: whether it is still ours to do. Throws as above.
  virtual void check() {}
};

/// How a run ended, for its summary.
struct RunEnd {
  std::string kind;  // "rollout", "rollback"
  std::string id;
  int exit_code = 0;
  RolloutState state = RolloutState::Ended;  // Open: we left before it was over
  RolloutStop stop = RolloutStop::No;
  std::vector<std::pair<const HostRun*, HostPhase>> hosts;
  std::string forgotten;   // why its end could not be remembered; empty: it is
  std::string taken_over;  // who goes on with it, and so we left; empty: nobody
  bool abandoned = false;  // a person told us twice to stop: we leave at once
  // A sync's other hosts: it looked at them, and had nothing to do, or nothing it may do.
  std::vector<std::pair<const HostRun*, HostPhase>> left_alone;
  std::vector<const HostRun*> poisoned;  // it failed there before, and is not tried again
};

}  // namespace kongfleet::controller
