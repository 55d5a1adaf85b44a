// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/recorded_run.hpp"
#include "tests/simulation/truth.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::simulation {

/// What a controller is about.
struct Setting {
  World& world;
  std::vector<std::unique_ptr<ModelHost>>& hosts;
  Truth& truth;
  const controller::Fleet& fleet;
  const std::vector<controller::Release>& releases;
  bool gated = false;  // somebody is asked before a host is touched
};

/// How a command of a controller ended.
struct CommandEnd {
  enum class How { Ran, Idle, Declined, Objected, Killed };  // Idle: a sync began nothing
  How how = How::Ran;
  int exit_code = 0;
  std::string why;
  std::string id;
  controller::RolloutState state = controller::RolloutState::Ended;
  controller::RolloutStop stop = controller::RolloutStop::No;
  std::vector<HostPhase> phases;  // of the hosts, as they are numbered
  std::optional<int> sync_code;   // a sync's own exit code
};

/// What is remembered of a host: a sync has them in another order.
const controller::RememberedHost& row_of(const controller::RememberedRollout& row,
                                         std::size_t host);

/// One controller process: the real FleetRun, RolloutDriver, HostRun, Conversation, RolloutRecord
/// and state, over simulated links and time. Its commands do what those of fleet_commands.cpp,
/// sync_command.cpp and resume_commands.cpp do, without a person. Once killed it does nothing more,
/// and stays as it is until the world is over: its right to the fleet is not given back.
class Process {
public:
  Process(Setting setting, std::string name);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  CommandEnd roll_out(const std::string& id);
  CommandEnd sync(const std::string& id);
  CommandEnd take_up(const std::string& id, controller::Again again);
  CommandEnd roll_back(const std::string& id);
  /// Only what the rollout `of` brought.
  CommandEnd roll_back_rollout(const std::string& id, const std::string& of);

  SimulatedLoop& loop() { return loop_; }
  /// Dies at the next event. `unseen_for`: its machine died with it, and so long hosts don't know.
  void kill(milliseconds unseen_for);
  /// Other controllers on this machine see that its process is gone.
  void seen_dead();

private:
  CommandEnd command(const std::function<CommandEnd()>& deed);
  void make_run(const controller::Fleet& fleet, const std::vector<controller::Release>& releases,
                const std::string& kind, const std::string& id);
  void hold(const std::string& doing, controller::FleetHold::Manner manner);
  /// What a rollout and a sync begin with.
  void make_plans(const std::string& kind, const std::string& id);
  CommandEnd go_back();
  void check_remembered(const controller::RunEnd& end);
  CommandEnd ended(const controller::RunEnd& end) const;
  std::size_t number(const controller::HostRun& host) const;

  class Onlooker;
  class Gate;
  Setting setting_;
  std::string name_;
  SimulatedLoop loop_;
  ModelLinks links_;
  std::unique_ptr<controller::FleetMemory> memory_;
  std::unique_ptr<controller::FleetHold> hold_;
  std::unique_ptr<controller::UnfinishedRollout> unfinished_;
  std::unique_ptr<controller::Fleet> aimed_at_;  // hosts of one rollout
  std::unique_ptr<Onlooker> view_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<controller::FleetRun> run_;
};

}  // namespace kongfleet::simulation
