// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_run.hpp"
#include "proto/kongfleet.pb.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Hosts "edge-1" and up, each with an agent that answers at once and well, unless a test says
/// otherwise. They stand on a loop of their own, without a network.
class AgentsFixture {
public:
  explicit AgentsFixture(std::size_t hosts);
  ~AgentsFixture();

  FleetRun& run(const std::string& kind);
  /// All hosts are to run this, too; the release as a host names it.
  void add_release(const std::string& name);
  wire::ReleaseId release() const;
  Fleet& fleet() { return fleet_; }
  EventLoop& loop() { return loop_; }

  /// Whether an agent answers what it was told; called for every message but greetings, after it
  /// was kept in `told`.
  std::function<bool(std::size_t host, const wire::ToAgent& message)> answers;
  /// With what code an agent refuses what it was told; empty: it does not.
  std::function<std::string(std::size_t host, const wire::ToAgent& message)> refuses;
  /// Changes what an agent answers, where it neither refuses nor is silent.
  std::function<void(std::size_t host, wire::ToController& answer)> says;
  /// Changes what an agent says of its host when it greets.
  std::function<void(std::size_t host, wire::HostState& state)> greets;
  /// Whether every outcome is said twice.
  bool repeats = false;
  /// Called whenever somebody connects.
  std::function<void(std::size_t host)> connecting;
  /// Hosts that cannot be connected to yet: who tries waits.
  std::vector<bool> away;
  /// Called when nothing is left to do on the loop.
  std::function<void()> over;
  /// Whose agents can be asked for a check-up.
  std::vector<bool> knows_checkup;
  /// What each host was told, in a word: "apply", "confirm", "revert", "rollback".
  std::vector<std::vector<std::string>> told;
  /// How often each was waited for with something said before.
  std::vector<int> flights;

private:
  class Link;
  class Links;
  class Loop final : public EventLoop {
  public:
    explicit Loop(const std::function<void()>& over) : over_(over) {}
    void run() override {
      EventLoop::run();
      if (over_) over_();
    }

  private:
    const std::function<void()>& over_;
  };
  Fleet fleet_;
  std::vector<Release> releases_;
  Loop loop_{over};
  std::unique_ptr<Links> links_;
  std::unique_ptr<FleetRun> run_;
};

/// A view that keeps what it is told, in words.
class KeepingView : public RunView {
public:
  void wave(std::size_t, std::size_t, std::size_t) override {}
  void baking(std::size_t, std::size_t, std::chrono::milliseconds) override {}
  void step(const HostRun&, const wire::Progress&) override {}
  void phase(const HostRun&, HostPhase) override {}
  void stopping(const std::string& why) override { why_stopped = why; }
  std::string why_stopped;
};

}  // namespace kongfleet::controller
