// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/event_loop.hpp"
#include "controller/fleet.hpp"
#include "controller/host_run.hpp"
#include "controller/rollout.hpp"
#include "controller/rollout_gate.hpp"
#include "controller/rollout_picture.hpp"
#include "controller/run_view.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace kongfleet::controller {

/// What a run stands on: where its coroutines run, how it reaches hosts, and who it says it is.
struct RunGround {
  EventLoop& loop;
  HostLinks& links;
  std::string who;  // "ops@deploy-1"
};

/// A command's work on many hosts: owns the event loop, the SSH links and one HostRun for each
/// host. From roll_out() or roll_back() on until it is destroyed, SIGINT and SIGTERM do not end the
/// process: what comes after the run is not cut short unheard.
class FleetRun {
public:
  /// `releases` may be empty for commands that only look. Throws Error when SSH can't be set up on
  /// our side.
  /// `id` is that of a rollout that began earlier; empty: this one gets one of its own.
  FleetRun(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
           std::vector<Release> releases, const std::string& kind, const std::string& id = "");
  /// On other ground than this machine and its SSH: it must outlive the run.
  FleetRun(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
           std::vector<Release> releases, const std::string& kind, const std::string& id,
           RunGround ground);
  ~FleetRun();
  FleetRun(const FleetRun&) = delete;
  FleetRun& operator=(const FleetRun&) = delete;

  const std::string& id() const;
  const std::string& kind() const;
  const std::vector<Release>& releases() const;
  const Fleet& fleet() const;
  /// Who we are, for those whom we keep out: "ops@deploy-1".
  const std::string& who() const;
  const std::vector<std::unique_ptr<HostRun>>& hosts() const;
  /// What it looks like before it begins: in waves by those rules; without, all hosts at once.
  RunShape shape(const std::optional<RolloutRules>& rules) const;
  /// What was passed over while reading ssh_config and known_hosts.
  std::vector<std::string> notes() const;

  /// Greets every host; what failed is in each HostRun.
  void greet_all();
  /// Has every host looked at by its agent; likewise.
  void check_up_all();
  /// Asks every host for its plan. Some take a minute: `beat` is called every few seconds
  /// meanwhile, and what it throws ends this. Throws Declined (exit 130) on SIGINT and SIGTERM.
  void plan_all(const std::function<void()>& beat = [] {});
  /// Puts the hosts into the order in which they are to go: the lower `rank` first, equals as they
  /// stand. Before roll_out.
  void put_in_order(const std::function<int(const HostRun&)>& rank);
  /// Asks these hosts how their transactions stand that began earlier, and greets the others. A
  /// host may take minutes to answer: until all have, those that are found in trial stay in it, and
  /// `beat` is called every few seconds; what it throws ends this. Throws Declined as plan_all
  /// does.
  void ask_again(const std::vector<bool>& which, const std::function<void()>& beat);
  /// From now on SIGINT and SIGTERM do not end the process: whoever runs the hosts hears them.
  void catch_signals();
  /// The fleet file's rules for these hosts.
  RolloutRules rules() const;
  /// `gate` is asked before a host is touched, and told after; null: nobody is.
  RunEnd roll_out(Rollout& rollout, RunView& view, RolloutGate* gate = nullptr);
  RunEnd roll_back(std::optional<std::uint64_t> to, RunView& view);

private:
  struct Machinery;
  void on_all(const std::function<asio::awaitable<void>(HostRun&)>& deed);
  std::unique_ptr<Machinery> machinery_;
};

}  // namespace kongfleet::controller
