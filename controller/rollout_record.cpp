// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_record.hpp"

#include "controller/durations.hpp"
#include "proto/names.hpp"

namespace kongfleet::controller {

namespace {

constexpr std::size_t steps_kept = 1000;  // then they are written, whatever else happens

std::string of_all(std::size_t number, std::size_t of) {
  return std::to_string(number + 1) + "/" + std::to_string(of);
}

bool is_told(HostPhase phase) {
  return phase == HostPhase::Changing || phase == HostPhase::Confirming ||
         phase == HostPhase::Reverting;
}

}  // namespace

RolloutRecord::RolloutRecord(RememberedRollout rollout,
                             const std::vector<std::unique_ptr<HostRun>>& hosts,
                             RolloutMemory& memory, FleetHold& hold, RunView& shown)
    : rollout_(std::move(rollout)), hosts_(hosts), memory_(memory), hold_(hold), shown_(shown) {
  for (std::size_t i = 0; i < hosts.size(); ++i) positions_[hosts[i].get()] = i;
}

void RolloutRecord::event(const std::string& kind, const std::string& host,
                          const std::string& text) {
  events_.push_back({wall_clock_ms(), kind, host, text});
}

void RolloutRecord::enter(const HostRun& host, HostPhase phase) {
  const auto position = positions_.at(&host);
  auto& row = rollout_.hosts[position];
  changed_.insert(position);
  if (phase != HostPhase::Waiting && !row.is_begun()) row.started_ms = wall_clock_ms();
  row.phase = phase;
  event("host", row.label, std::string(phase_name(phase)));
  if (is_told(phase)) return;
  row.ended_ms = phase == HostPhase::Waiting ? 0 : wall_clock_ms();
  row.cause = host.problem;
  if (!host.outcome) return;
  const bool is_rollback = host.outcome->transaction().ends_with("/rollback");
  (is_rollback ? row.way_back : row.outcome) = *host.outcome;
}

void RolloutRecord::wave(std::size_t number, std::size_t of, std::size_t hosts) {
  shown_.wave(number, of, hosts);
  event("wave", "", of_all(number, of) + ": " + std::to_string(hosts) + " hosts");
  standing_changed_ = true;
}

void RolloutRecord::baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) {
  shown_.baking(number, of, time);
  event("baking", "", of_all(number, of) + ": " + text_of(time));
  standing_changed_ = true;
}

void RolloutRecord::step(const HostRun& host, const wire::Progress& progress) {
  shown_.step(host, progress);
  const auto text = printable(progress.text(), 300);
  event("step", host.label(), printable(progress.step(), 40) + (text.empty() ? "" : ": " + text));
}

void RolloutRecord::phase(const HostRun& host, HostPhase phase) {
  shown_.phase(host, phase);
  enter(host, phase);
}

void RolloutRecord::stopping(const std::string& why) {
  shown_.stopping(why);
  event("stopping", "", why);
  rollout_.why = why;
}

void RolloutRecord::intends(const HostRun& host, HostPhase phase) {
  shown_.intends(host, phase);
  enter(host, phase);
}

RolloutNews RolloutRecord::news() const {
  RolloutNews news{{}, events_};
  for (const auto position : changed_) {
    news.hosts.emplace_back(position, rollout_.hosts[position]);
  }
  return news;
}

void RolloutRecord::write() {
  memory_.write(rollout_, news(), &hold_);
  written();
}

// What could not be written stays, to be tried with what comes next.
void RolloutRecord::written() {
  changed_.clear();
  events_.clear();
  standing_changed_ = false;
}

void RolloutRecord::commit(const Rollout& rollout) {
  standing_changed_ = standing_changed_ || rollout_.stop != rollout.stop();
  rollout_.stop = rollout.stop();
  if (changed_.empty() && !standing_changed_ && events_.size() < steps_kept) return;
  write();
}

void RolloutRecord::beat() {
  hold_.renew();
  memory_.check_ours(rollout_, hold_);
  if (!changed_.empty() || !events_.empty()) write();
}

void RolloutRecord::check() { memory_.check_ours(rollout_, hold_); }

void RolloutRecord::taken_up(const std::vector<TakenUpHost>& phases, const std::string& doing) {
  event(doing, "", "");
  for (std::size_t i = 0; i < phases.size(); ++i) {
    auto& row = rollout_.hosts[i];
    if (row.phase == phases[i].phase && !phases[i].anew) continue;
    row.phase = phases[i].phase;
    // It was not heard before; what is in trial is what may be confirmed, and not heard of again.
    if (row.phase == HostPhase::Done || row.phase == HostPhase::Trial)
      row.outcome = hosts_[i]->outcome;
    if (phases[i].anew) {
      ++row.attempt;
      row.started_ms = row.ended_ms = 0;
      row.cause.clear();
    }
    changed_.insert(i);
    event("host", row.label, std::string(phase_name(row.phase)));
  }
  write();
}

void RolloutRecord::end(const RunEnd& end) {
  const bool is_rollback = rollout_.kind == "rollback";
  // Nobody goes on with a rollback: one asks for it again.
  rollout_.state = is_rollback ? RolloutState::Ended : end.state;
  rollout_.stop = end.stop;
  rollout_.exit_code = end.exit_code;
  if (rollout_.why == never_ended) rollout_.why.clear();
  if (rollout_.state != RolloutState::Open) rollout_.ended_ms = wall_clock_ms();
  for (const auto& [host, phase] : end.hosts) {
    // What was ruled out before anything began was never told of.
    if (rollout_.hosts[positions_.at(host)].phase != phase) enter(*host, phase);
  }
  event("end", "", std::string(state_name(end.state)));
  memory_.end(rollout_, news(), is_rollback ? nullptr : &hold_);
  written();
}

}  // namespace kongfleet::controller
