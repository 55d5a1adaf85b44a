// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/rollout_gate.hpp"
#include "controller/run_view.hpp"
#include "controller/ssh_fd.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>

namespace kongfleet::controller {

/// Runs the programs of [hooks], a few at a time, each with the facts in its environment
/// (KONGFLEET_HOOK, _FLEET, _ROLLOUT, _WAVE, _HOST, _ADDRESS, _RESULT, _PROBLEM) and as one JSON
/// object on its stdin. A before_ hook that fails, or takes too long, is a reason to stop; an
/// after_ hook that fails is told, and changes nothing. What they print is shown only where they
/// fail.
///
/// Must outlive the run it watches, and be destroyed before the run's event loop.
class RolloutHooks final : public RolloutGate {
public:
  /// `tell` gets one sentence for each after_ hook that failed.
  RolloutHooks(const Fleet& fleet, std::string rollout, std::function<void(std::string)> tell);
  ~RolloutHooks() override;

  asio::awaitable<std::string> before_host(const HostRun& host, std::size_t wave) override;
  asio::awaitable<void> after_host(const HostRun& host, std::size_t wave, HostPhase phase) override;
  /// The last one; waits for it.
  void after_rollout(const RunEnd& end);
  /// Ends those that run, and begins no other. What that spares, as a sentence; empty: nothing.
  std::string leave();

private:
  /// What is told of one occasion.
  struct Facts {
    std::string hook;
    std::vector<std::string> variables;
    std::string json;
  };
  /// A wave's hook runs once; the hosts that come meanwhile wait for it.
  struct Wave {
    explicit Wave(const asio::any_io_executor& executor)
        : over(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer over;
    bool done = false;
    std::string objection;
  };
  Facts facts(const std::string& hook, const HostRun* host, std::size_t wave,
              const std::string& result) const;
  asio::awaitable<std::string> before_wave(std::size_t wave);
  std::string run(const std::vector<std::string>& argv, const Facts& facts);
  asio::awaitable<std::string> run_aside(std::vector<std::string> argv, Facts facts);

  const Fleet& fleet_;
  std::string rollout_;
  std::function<void(std::string)> tell_;
  std::map<std::size_t, std::shared_ptr<Wave>> waves_;
  SshFd leaving_;  // can be read when we leave
  std::atomic<std::size_t> running_ = 0;
  asio::thread_pool pool_;
};

}  // namespace kongfleet::controller
