// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/recorded_run.hpp"

#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "controller/ousted.hpp"
#include "controller/rollout_plan.hpp"
#include "controller/rollout_record.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

RememberedRollout remembered(const FleetRun& run, const std::string& selection) {
  RememberedRollout rollout;
  rollout.id = run.id();
  rollout.kind = run.kind();
  rollout.who = run.who();
  rollout.started_ms = wall_clock_ms();
  rollout.selection = selection;
  for (const auto& release : run.releases()) {
    const auto& manifest = release.manifest;
    rollout.releases.push_back(
        {manifest.name().text(), manifest.version().text(), manifest.digest().hex()});
  }
  for (const auto& host : run.hosts()) {
    RememberedHost row;
    row.label = host->label();
    rollout.hosts.push_back(std::move(row));
  }
  return rollout;
}

RolloutPlan plan_of(const FleetRun& run, const RolloutRules& rules) {
  RolloutPlan plan;
  plan.rules = rules;
  plan.deadline = run.fleet().rollout.deadline;
  plan.confirm_timeout = run.fleet().rollout.confirm_timeout;
  for (const auto& host : run.hosts()) plan.hosts.push_back(host->host());
  plan.probes = run.fleet().probes;
  return plan;
}

void set_waves(RememberedRollout& rollout, const RolloutRules& rules) {
  std::size_t wave = 0;
  for (std::size_t i = 0; i < rollout.hosts.size(); ++i) {
    while (i >= rules.wave_ends[wave]) ++wave;
    rollout.hosts[i].wave = wave;
  }
}

TakenUp why_taken_up(const RememberedRollout& rollout, Again again) {
  if (again == Again::Abort) return TakenUp::ToTakeBack;
  switch (rollout.stop) {
    case RolloutStop::No:
      return TakenUp::AfterDeath;
    case RolloutStop::Paused:
    case RolloutStop::Interrupted:
      return TakenUp::AfterStop;
    case RolloutStop::Failed:
    case RolloutStop::Aborted:
      break;
  }
  return TakenUp::ToTakeBack;
}

std::vector<TakenUpHost> ask_hosts(FleetRun& run, const RememberedRollout& rollout, TakenUp why,
                                   FleetHold& hold) {
  std::vector<bool> asked;
  for (const auto& row : rollout.hosts) asked.push_back(is_to_be_asked(row.phase, why));
  run.ask_again(asked, [&hold] { hold.renew(); });
  std::vector<TakenUpHost> hosts;
  for (std::size_t i = 0; i < rollout.hosts.size(); ++i) {
    hosts.push_back(take_up(rollout.hosts[i].phase, run.hosts()[i]->answer, why));
  }
  return hosts;
}

// Its hook before may have run, and that the one after it has ended is not remembered. What was
// confirmed was told of before.
bool may_be_untold(const RememberedHost& host) {
  const bool ever_begun = host.started_ms != 0 || host.attempt > 1;
  return ever_begun && host.phase != HostPhase::Confirming && host.phase != HostPhase::Done;
}

RolloutSoFar so_far(const std::vector<TakenUpHost>& hosts, const RememberedRollout& rollout,
                    TakenUp why) {
  RolloutSoFar begun;
  for (const auto& host : hosts) begun.hosts.push_back(host.phase);
  for (const auto& host : rollout.hosts) begun.held.push_back(may_be_untold(host));
  if (why == TakenUp::ToTakeBack) begun.stop = rollout.stop;
  if (why == TakenUp::ToTakeBack) begun.why = rollout.why;
  if (why != TakenUp::AfterStop) {
    begun.failures =
        static_cast<std::size_t>(std::count_if(begun.hosts.begin(), begun.hosts.end(), is_failure));
  }
  return begun;
}

// What became of the hosts is told, whatever becomes of the memory: it is not over there then.
RunEnd remember_end(RolloutRecord& record, RunEnd end) {
  if (!end.taken_over.empty()) return end;  // it is somebody else's to remember
  try {
    record.end(end);
  } catch (const Ousted& ousted) {  // after the last host was told
    end.taken_over = ousted.what();
    end.exit_code = exit_code::held;
    end.abandoned = false;
  } catch (const Error& error) {
    end.forgotten = error.what();
    if (end.exit_code == 0) end.exit_code = exit_code::interrupted;
  }
  return end;
}

}  // namespace

Holder holder_for(const FleetRun& run) {
  return this_holder(run.who(), run.kind() + " " + run.id());
}

void check_may_begin(FleetMemory& memory, const std::vector<Release>& releases) {
  memory.rollouts.check_none_open();
  memory.releases.check(releases);
}

std::optional<HostPhase> ruled_out(const HostRun& host) { return host.ruled_out(); }

RunEnd roll_out(FleetRun& run, FleetMemory& memory, FleetHold& hold, const std::string& selection,
                const Watchers& watchers, SetAside set_aside) {
  const auto rules = run.rules();
  Rollout rollout(rules);
  auto row = remembered(run, selection);
  row.plan = text_of(plan_of(run, rules));
  set_waves(row, rules);
  for (std::size_t i = 0; i < run.hosts().size(); ++i) {
    const auto out = set_aside(*run.hosts()[i]);
    if (!out) continue;
    rollout.report(i, *out, Clock::now());
    row.hosts[i].phase = *out;
    row.hosts[i].cause = run.hosts()[i]->problem;
  }
  run.catch_signals();  // one that has begun is not left without a word
  memory.rollouts.begin(row, run.releases(), true, &hold);
  if (run.kind() == "rollout") {  // a sync has its own words for them
    for (std::size_t i = 0; i < row.hosts.size(); ++i) {
      if (row.hosts[i].phase != HostPhase::Waiting)
        watchers.view.phase(*run.hosts()[i], row.hosts[i].phase);
    }
  }
  RolloutRecord record(std::move(row), run.hosts(), memory.rollouts, hold, watchers.view);
  return remember_end(record, run.roll_out(rollout, record, watchers.gate));
}

RememberedRollout begin_rollback(const FleetRun& run, FleetMemory& memory,
                                 const std::string& selection) {
  if (auto open = memory.rollouts.open()) {
    open->state = RolloutState::Aborted;
    open->stop = RolloutStop::Aborted;
    open->why = run.id() + " of " + run.who() + " ended it";
    open->exit_code = exit_code::interrupted;
    open->ended_ms = wall_clock_ms();
    memory.rollouts.end(*open, {{}, {{open->ended_ms, "abort", "", open->why}}});
  }
  auto row = remembered(run, selection);
  row.state = RolloutState::Ended;  // nobody goes on with a rollback: one asks for it again
  row.exit_code = exit_code::interrupted;
  row.why = never_ended;
  memory.rollouts.begin(row, {}, false);
  return row;
}

UnfinishedRollout unfinished(const Fleet& fleet, FleetMemory& memory, const std::string& id) {
  UnfinishedRollout found{memory.rollouts.find(id), fleet, {}};
  if (is_over(found.rollout.state)) {
    const auto& name = found.rollout.id;
    const bool brought_something = found.rollout.kind != "rollback";
    throw Declined(1, name + " is over (" + std::string(state_name(found.rollout.state)) +
                          "): there is nothing to go on with or to abort" +
                          (brought_something ? "; 'kongfleet rollback --rollout " + name +
                                                   "' takes back what it brought"
                                             : ""));
  }
  auto plan = read_plan(found.rollout.plan);
  found.fleet.hosts = std::move(plan.hosts);
  found.fleet.probes = std::move(plan.probes);
  found.fleet.rollout.bake = plan.rules.bake;
  found.fleet.rollout.deadline = plan.deadline;
  found.fleet.rollout.confirm_timeout = plan.confirm_timeout;
  found.releases = memory.releases.of_rollout(found.rollout.id);
  return found;
}

RunEnd take_up(FleetRun& run, const UnfinishedRollout& unfinished, Again again, FleetMemory& memory,
               FleetHold& hold, const Watchers& watchers) {
  auto row = unfinished.rollout;
  const auto why = why_taken_up(row, again);
  if (again == Again::Abort) {
    row.stop = RolloutStop::Aborted;
    row.why = "aborted by " + run.who();
  } else if (why != TakenUp::ToTakeBack) {
    row.stop = RolloutStop::No;
    row.why.clear();
  }
  for (std::size_t i = 0; i < row.hosts.size(); ++i) {
    run.hosts()[i]->was_part(row.hosts[i].attempt, row.hosts[i].outcome, row.hosts[i].cause);
  }
  const auto hosts = ask_hosts(run, row, why, hold);
  row.state = RolloutState::Open;
  row.ended_ms = 0;
  row.exit_code = 0;
  RolloutRecord record(row, run.hosts(), memory.rollouts, hold, watchers.view);
  record.taken_up(hosts, again == Again::Resume ? "resume" : "abort");
  for (std::size_t i = 0; i < row.hosts.size(); ++i) {
    if (hosts[i].anew) run.hosts()[i]->was_part(record.rollout().hosts[i].attempt, {}, "");
    // Who watches knows what was remembered; this is where the host really is.
    if (hosts[i].phase != row.hosts[i].phase) watchers.view.phase(*run.hosts()[i], hosts[i].phase);
  }
  Rollout rollout(read_plan(row.plan).rules, so_far(hosts, row, why));
  return remember_end(record, run.roll_out(rollout, record, watchers.gate));
}

}  // namespace kongfleet::controller
