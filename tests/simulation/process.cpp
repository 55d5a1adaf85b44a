// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/process.hpp"

#include "controller/declined.hpp"
#include "controller/ousted.hpp"
#include "controller/rollback_target.hpp"
#include "controller/rollout_plan.hpp"
#include "controller/rollout_record.hpp"
#include "controller/sync_look.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <soci/soci.h>

#include <algorithm>

namespace kongfleet::simulation {

namespace asio = boost::asio;
using namespace controller;

const RememberedHost& row_of(const RememberedRollout& row, std::size_t host) {
  return *std::find_if(row.hosts.begin(), row.hosts.end(), [&](const auto& remembered) {
    return remembered.label == "h" + std::to_string(host);
  });
}

/// What the controller shows, as a person sees it.
class Process::Onlooker final : public RunView {
public:
  explicit Onlooker(Process& process) : process_(process), world_(process.setting_.world) {}
  void wave(std::size_t number, std::size_t, std::size_t) override {
    world_.note("wave", number);
    look_back();
  }
  void baking(std::size_t number, std::size_t, milliseconds) override {
    world_.note("baking", number);
  }
  void step(const HostRun&, const wire::Progress&) override {}
  void phase(const HostRun& host, HostPhase phase) override {
    const auto at = process_.number(host);
    if (world_.traced()) {
      world_.tell(process_.name_ + " shows host " + std::to_string(at) + " as " +
                  std::string(phase_name(phase)) + ": " + host.problem);
    }
    world_.note("shown", at, static_cast<std::uint64_t>(phase));
    if (is_in_charge()) process_.setting_.truth.shown(at, phase);
    if (rollback) process_.setting_.truth.shown_by_rollback(process_.run_->id(), at, phase);
  }
  void stopping(const std::string& why) override {
    look_back();
    world_.tell(process_.name_ + " stops: " + why);
    if (is_in_charge()) process_.setting_.truth.stopping();
  }
  bool rollback = false;
  bool forgiving = false;
  std::string taken_up;  // a rollout whose hosts begin as is remembered

private:
  // One that was ousted says what it likes.
  bool is_in_charge() const {
    return !rollback && process_.setting_.truth.in_charge == process_.name_;
  }
  void look_back() {
    if (taken_up.empty()) return;
    const auto row = process_.memory_->rollouts.find(std::exchange(taken_up, ""));
    for (const auto& host : process_.run_->hosts()) {
      const auto at = process_.number(*host);
      process_.setting_.truth.remembered(at, row_of(row, at).phase, forgiving);
    }
  }
  Process& process_;
  World& world_;
};

/// Somebody who takes a host out of a balancer before it is touched: that takes a while, and
/// sometimes is a no. And who puts it back.
class Process::Gate final : public RolloutGate {
public:
  explicit Gate(Process& process) : process_(process), world_(process.setting_.world) {}
  asio::awaitable<std::string> before_host(const HostRun& host, std::size_t) override {
    process_.setting_.truth.taken_out(process_.run_->id(), process_.number(host));
    Timer timer(co_await asio::this_coro::executor);
    timer.expires_after(world_.chance.ms(1, 3000));
    co_await timer.async_wait(asio::use_awaitable);
    constexpr std::size_t objects_one_in = 40;
    if (!world_.chance.one_in(objects_one_in)) co_return "";
    put_back(host);
    co_return "the balancer says no";
  }
  asio::awaitable<void> after_host(const HostRun& host, std::size_t, HostPhase) override {
    Timer timer(co_await asio::this_coro::executor);
    constexpr std::size_t drags_one_in = 20;  // for longer than most leases last
    timer.expires_after(world_.chance.one_in(drags_one_in) ? world_.chance.ms(60'000, 900'000)
                                                           : world_.chance.ms(1, 1000));
    co_await timer.async_wait(asio::use_awaitable);
    put_back(host);
  }

private:
  void put_back(const HostRun& host) {
    process_.setting_.truth.put_back(process_.run_->id(), process_.number(host));
  }
  Process& process_;
  World& world_;
};

Process::Process(Setting setting, std::string name)
    : setting_(setting),
      name_(std::move(name)),
      loop_(setting.world),
      links_(setting.world, setting.hosts),
      view_(std::make_unique<Onlooker>(*this)) {
  if (setting_.gated) gate_ = std::make_unique<Gate>(*this);
  links_.said = [this](std::size_t host, const std::string& frame) {
    setting_.truth.said(host, frame);
  };
}

Process::~Process() = default;

void Process::kill(milliseconds unseen_for) {
  links_.die(unseen_for);
  loop_.kill();
}

void Process::seen_dead() {
  const std::string nobody = "4194305 1";  // no process has that number
  const auto here = this_holder("", "").machine;
  memory_->database.together([&](soci::session& sql) {
    sql << "UPDATE holders SET machine = :machine, process = :process WHERE process = :mine",
        soci::use(here), soci::use(nobody), soci::use(name_);
  });
}

std::size_t Process::number(const HostRun& host) const {
  return static_cast<std::size_t>(std::stoul(host.host().name.substr(1)));
}

void Process::make_run(const Fleet& fleet, const std::vector<Release>& releases,
                       const std::string& kind, const std::string& id) {
  std::vector<const FleetHost*> hosts;
  for (const auto& host : fleet.hosts) hosts.push_back(&host);
  run_ =
      std::make_unique<FleetRun>(fleet, hosts, releases, kind, id, RunGround{loop_, links_, name_});
}

void Process::hold(const std::string& doing, FleetHold::Manner manner) {
  const auto now = setting_.world.wall_ms();
  const Holder me{name_, doing, "machine of " + name_, name_, now, now};
  hold_ = std::make_unique<FleetHold>(memory_->database, setting_.fleet.name, me, manner);
}

CommandEnd Process::command(const std::function<CommandEnd()>& deed) {
  setting_.world.tell(name_ + " begins");
  CommandEnd end;
  try {
    memory_ = std::make_unique<FleetMemory>(setting_.fleet, StateDatabase::Mode::Write);
    end = deed();
  } catch (const Declined& declined) {
    end.how = CommandEnd::How::Declined;
    end.exit_code = declined.exit_code();
    end.why = declined.what();
  } catch (const Killed&) {
    end.how = CommandEnd::How::Killed;
  }
  loop_.kill();  // what it left undone stays so
  run_.reset();
  if (end.how != CommandEnd::How::Killed) hold_.reset();
  setting_.world.note("ends with", 0, static_cast<std::uint64_t>(end.exit_code));
  setting_.world.tell(name_ + " ends with " + std::to_string(end.exit_code) +
                      (end.how == CommandEnd::How::Killed ? ": killed" : ": " + end.why));
  return end;
}

CommandEnd Process::ended(const RunEnd& end) const {
  CommandEnd result;
  result.exit_code = end.exit_code;
  result.id = end.id;
  result.state = end.state;
  result.stop = end.stop;
  result.why = end.taken_over;
  const bool contested = setting_.truth.is_contested();
  if (!end.forgotten.empty() && !contested) setting_.world.violated("forgotten: " + end.forgotten);
  if (end.taken_over.empty() && !end.abandoned) setting_.truth.check_balancer(end.id);
  result.phases.resize(setting_.fleet.hosts.size());
  for (const auto& [host, phase] : end.hosts) result.phases[number(*host)] = phase;
  return result;
}

void Process::make_plans(const std::string& kind, const std::string& id) {
  make_run(setting_.fleet, setting_.releases, kind, id);
  hold(kind + " " + id, FleetHold::Manner::Polite);
  setting_.truth.in_charge = name_;
  check_may_begin(*memory_, run_->releases());
  run_->plan_all([this] { hold_->renew(); });
}

CommandEnd Process::roll_out(const std::string& id) {
  return command([&] {
    make_plans("rollout", id);
    std::size_t objections = 0;
    for (std::size_t i = 0; i < run_->hosts().size(); ++i) {
      if (const auto out = run_->hosts()[i]->ruled_out()) {
        ++objections;
        setting_.truth.shown(i, *out);
      }
    }
    if (objections > setting_.fleet.rollout.max_failures) {
      CommandEnd end;
      end.how = CommandEnd::How::Objected;
      return end;
    }
    return ended(controller::roll_out(*run_, *memory_, *hold_, "", {*view_, gate_.get()}));
  });
}

CommandEnd Process::sync(const std::string& id) {
  return command([&] {
    make_plans("sync", id);
    const auto look = sort_out(*run_);
    std::vector<std::size_t> order;
    for (const auto& host : run_->hosts()) order.push_back(number(*host));
    setting_.truth.syncs_in_order(order);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (look.lots[i] == SyncLot::Poisoned)
        setting_.truth.skipped(order[i]);
      else if (look.set_aside[i])
        setting_.truth.shown(order[i], *look.set_aside[i]);
    }
    const bool idle = !look.any_wanting() || !look.why_not(run_->rules()).empty();
    auto end =
        idle ? end_of_nothing(*run_, look)
             : controller::roll_out(*run_, *memory_, *hold_, "", {*view_, gate_.get()}, set_aside);
    auto result = ended(end);
    if (idle) result.how = CommandEnd::How::Idle;
    tell_apart(end, look);
    result.sync_code = end.exit_code;
    return result;
  });
}

CommandEnd Process::take_up(const std::string& id, Again again) {
  return command([&] {
    unfinished_ = std::make_unique<UnfinishedRollout>(unfinished(setting_.fleet, *memory_, id));
    make_run(unfinished_->fleet, unfinished_->releases, unfinished_->rollout.kind, id);
    hold(again == Again::Resume ? "resume " + id : "abort " + id, FleetHold::Manner::Polite);
    hold_->renew();
    unfinished_->rollout = memory_->rollouts.find(id);
    if (is_over(unfinished_->rollout.state)) throw Declined(1, "it is over by now");
    setting_.truth.taken_up();
    setting_.truth.in_charge = name_;
    view_->taken_up = id;
    const auto stop = unfinished_->rollout.stop;
    view_->forgiving =
        again == Again::Resume && (stop == RolloutStop::Paused || stop == RolloutStop::Interrupted);
    return ended(
        controller::take_up(*run_, *unfinished_, again, *memory_, *hold_, {*view_, gate_.get()}));
  });
}

CommandEnd Process::roll_back(const std::string& id) {
  return command([&] {
    make_run(setting_.fleet, {}, "rollback", id);
    hold("rollback " + id, FleetHold::Manner::BreakGlass);
    setting_.truth.rolls_back(id, "");
    return go_back();
  });
}

CommandEnd Process::roll_back_rollout(const std::string& id, const std::string& of) {
  return command([&] {
    std::vector<const FleetHost*> hosts;
    for (const auto& host : setting_.fleet.hosts) hosts.push_back(&host);
    const auto targets = rollback_targets(memory_->rollouts.find(of), hosts);
    auto fleet = std::make_unique<Fleet>(setting_.fleet);
    fleet->hosts.clear();
    for (const auto& target : targets) fleet->hosts.push_back(*target.host);
    aimed_at_ = std::move(fleet);
    make_run(*aimed_at_, {}, "rollback", id);
    for (std::size_t i = 0; i < targets.size(); ++i)
      run_->hosts()[i]->takes_back_only(targets[i].brought);
    hold("rollback " + id, FleetHold::Manner::Polite);
    setting_.truth.rolls_back(id, of);
    return go_back();
  });
}

CommandEnd Process::go_back() {
  view_->rollback = true;
  setting_.truth.contested();
  RolloutRecord record(begin_rollback(*run_, *memory_, ""), run_->hosts(), memory_->rollouts,
                       *hold_, *view_);
  const auto end = run_->roll_back(std::nullopt, record);
  try {
    record.end(end);
    check_remembered(end);
  } catch (const Ousted& ousted) {
    setting_.world.tell(ousted.what());
  }
  return ended(end);
}

// What is remembered of a rollback is what was told of it.
void Process::check_remembered(const RunEnd& end) {
  const auto row = memory_->rollouts.find(end.id);
  for (const auto& [host, phase] : end.hosts) {
    if (row_of(row, number(*host)).phase != phase)
      setting_.world.violated("rollback: another phase is remembered than was told");
  }
}

}  // namespace kongfleet::simulation
