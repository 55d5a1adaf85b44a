// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/clock.hpp"
#include "controller/event_loop.hpp"
#include "controller/host_run.hpp"
#include "controller/rollout.hpp"
#include "controller/rollout_gate.hpp"
#include "controller/run_view.hpp"

#include <boost/asio/signal_set.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace kongfleet::controller {

/// How often the lease of a trial is renewed.
std::chrono::milliseconds renewal_interval(std::chrono::milliseconds lease);

/// Carries out what a Rollout decides: its actions become conversations, their ends become its
/// reports. Renews the lease of every trial meanwhile, and watches for Ctrl-C. Runs on the loop's
/// one thread.
class RolloutDriver {
public:
  RolloutDriver(EventLoop& loop, Rollout& rollout, std::vector<std::unique_ptr<HostRun>>& hosts,
                RunView& view, std::chrono::milliseconds bake, std::chrono::milliseconds lease);
  /// Asks `gate` before a host is touched, and tells it after; it must outlive the run.
  void ask(RolloutGate& gate) { gate_ = &gate; }
  /// Runs to the end. After a second Ctrl-C it returns at once: what hangs in the air is undone by
  /// the hosts.
  void run();
  bool abandoned() const { return abandoned_; }
  /// Who has taken over, so that we left at once; empty: nobody.
  const std::string& taken_over() const { return taken_over_; }

private:
  enum class Job { Start, Look, Confirm, Revert, Renew, TellGate };
  asio::awaitable<void> work(std::size_t host);
  asio::awaitable<HostPhase> perform(std::size_t host, Job job);
  asio::awaitable<HostPhase> start(std::size_t host);
  void hear(std::size_t host, HostPhase phase);
  void release_all();
  void tell_of_others();
  /// Tells the gate what became of a host, and keeps it in trial meanwhile.
  asio::awaitable<void> tell_gate(std::size_t host, HostPhase phase);
  void give(std::size_t host, Job job);
  void pump();
  /// Once what else came in meanwhile has been heard: hosts whose answers come together are
  /// remembered together, and the disk is waited for once.
  void pump_soon();
  void tell_waves();
  void keep_up(const std::function<void()>& with_others);
  void leave(const std::string& why);
  bool still_ours();
  void renew_trials();
  void listen_for_interrupt();
  void arm_wake();
  void finish();

  EventLoop& loop_;
  asio::io_context& io_;
  Rollout& rollout_;
  std::vector<std::unique_ptr<HostRun>>& hosts_;
  RunView& view_;
  RolloutGate* gate_ = nullptr;
  std::chrono::milliseconds bake_;
  std::chrono::milliseconds renew_every_;
  std::vector<std::deque<Job>> jobs_;
  std::vector<bool> busy_;
  std::vector<HostPhase> before_revert_;
  Timer wake_;
  Timer renew_;
  asio::signal_set signals_;
  std::size_t told_wave_ = SIZE_MAX;
  bool told_baking_ = false;
  bool told_stop_ = false;
  bool interrupted_ = false;
  bool abandoned_ = false;
  bool pump_due_ = false;
  std::string reason_;
  std::string taken_over_;
};

}  // namespace kongfleet::controller
