// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/host_run.hpp"
#include "controller/rollout.hpp"
#include "controller/rollout_picture.hpp"
#include "controller/run_view.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace kongfleet::controller {

/// A command's work on many hosts: owns the event loop, the SSH links and one HostRun for each
/// host.
class FleetRun {
public:
  /// `releases` may be empty for commands that only look. Throws Error when SSH can't be set up on
  /// our side.
  FleetRun(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
           std::vector<Release> releases, const std::string& kind);
  ~FleetRun();
  FleetRun(const FleetRun&) = delete;
  FleetRun& operator=(const FleetRun&) = delete;

  const std::string& id() const;
  const std::vector<std::unique_ptr<HostRun>>& hosts() const;
  /// What it looks like before it begins: a rollout with its waves, or all hosts at once.
  enum class Way { Waves, AtOnce };
  RunShape shape(Way way) const;
  /// What was passed over while reading ssh_config and known_hosts.
  std::vector<std::string> notes() const;

  /// Greets every host; what failed is in each HostRun.
  void greet_all();
  /// Asks every host for its plan.
  void plan_all();
  RunEnd roll_out(RunView& view);
  RunEnd roll_back(std::optional<std::uint64_t> to, RunView& view);

private:
  struct Machinery;
  void on_all(const std::function<asio::awaitable<void>(HostRun&)>& deed);
  std::unique_ptr<Machinery> machinery_;
};

}  // namespace kongfleet::controller
