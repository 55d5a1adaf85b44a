// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/ending.hpp"

#include <algorithm>

namespace kongfleet::simulation {

using namespace controller;

namespace {

std::size_t count(const std::vector<HostPhase>& phases, HostPhase phase) {
  return static_cast<std::size_t>(std::count(phases.begin(), phases.end(), phase));
}

std::string named(std::size_t host, const std::string& what) {
  return "host " + std::to_string(host) + ": " + what;
}

bool may_be_last(HostPhase phase) {
  return phase != HostPhase::Changing && phase != HostPhase::Trial &&
         phase != HostPhase::Confirming && phase != HostPhase::Reverting;
}

bool needs_person(HostPhase phase) {
  return phase == HostPhase::Stranded || phase == HostPhase::Lost || phase == HostPhase::Kept;
}

// 0: everything runs the release, but for as many as may fail; or, aborted, what it ran before.
std::string why_not_done(const CommandEnd& end, const Truth& truth, std::size_t max_failures) {
  std::size_t failed = 0;
  for (std::size_t i = 0; i < end.phases.size(); ++i) {
    const auto phase = end.phases[i];
    if (truth.false_claims(i) || truth.was_skipped(i)) continue;
    if (is_failure(phase)) ++failed;
    const bool right = end.stop == RolloutStop::Aborted ? phase != HostPhase::Done
                                                        : is_failure(phase) || truth.runs_target(i);
    if (!right) return named(i, "exit 0, but it is " + std::string(phase_name(phase)));
  }
  if (end.stop != RolloutStop::Aborted && failed > max_failures) return "exit 0 after failures";
  return "";
}

std::string why_wrong_code(const CommandEnd& end, const Truth& truth, std::size_t max_failures) {
  const auto& phases = end.phases;
  const auto people =
      static_cast<std::size_t>(std::count_if(phases.begin(), phases.end(), needs_person));
  const bool touched = count(phases, HostPhase::Back) + count(phases, HostPhase::Done) > 0;
  const auto left = count(phases, HostPhase::Done) + count(phases, HostPhase::Kept);
  const auto code = std::to_string(end.exit_code);
  if ((end.exit_code == 4) != (people > 0)) return "exit " + code + " does not tell of a person";
  switch (end.exit_code) {
    case 0:
      return why_not_done(end, truth, max_failures);
    case 3:
      return left > 0 || !touched ? "exit 3, but not all is back" : "";
    case 4:
      return "";
    case 1:
    case 5:
    case 75:
      return touched ? "exit " + code + ", but something was touched" : "";
    case 6:
      return end.stop == RolloutStop::Paused ? "" : "exit 6, but it is not paused";
    case 130:
      return end.stop == RolloutStop::Interrupted ? "" : "exit 130, but nobody interrupted it";
    default:
      return "exit " + code + " is none of ours";
  }
}

}  // namespace

std::string why_wrong_end(const CommandEnd& end, const RememberedRollout& row, const Truth& truth,
                          std::size_t max_failures) {
  for (std::size_t i = 0; i < end.phases.size(); ++i) {
    const auto phase = end.phases[i];
    const auto name = std::string(phase_name(phase));
    if (end.state != RolloutState::Open && !may_be_last(phase)) return named(i, "ends as " + name);
    auto wrong = truth.agrees(i, phase);
    if (!wrong.empty()) return named(i, "at the end: " + wrong);
    if (row_of(row, i).phase != phase) return named(i, "remembered as another thing than " + name);
  }
  if (row.state != end.state || row.stop != end.stop) return "its end is remembered wrongly";
  if (end.state == RolloutState::Open) return end.exit_code == 130 ? "" : "left, but not with 130";
  if (row.exit_code != end.exit_code) return "another exit code is remembered";
  return why_wrong_code(end, truth, max_failures);
}

std::string why_wrong_sync(const CommandEnd& end, const Truth& truth) {
  bool all_well = true;
  for (std::size_t i = 0; i < end.phases.size(); ++i) {
    const auto phase = end.phases[i];
    const bool well = phase == HostPhase::Done || phase == HostPhase::Unchanged;
    all_well = all_well && well && !truth.was_skipped(i);
    if (end.how != CommandEnd::How::Idle) continue;
    if (truth.was_begun(i)) return named(i, "a sync that began nothing changed it");
    const auto wrong = truth.agrees(i, phase);
    if (!wrong.empty()) return named(i, "of a sync that began nothing: " + wrong);
  }
  const bool says_well = end.sync_code == 0;
  const bool cut_short = end.stop == RolloutStop::Interrupted;  // though it may have been done
  return says_well == all_well || (all_well && cut_short)
             ? ""
             : "the sync's exit code is " + std::to_string(*end.sync_code);
}

std::string why_undecided(const RememberedRollout* row,
                          const std::vector<std::unique_ptr<ModelHost>>& hosts,
                          const Truth& truth) {
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto& host = *hosts[i];
    if (host.is_open() && !host.stranded()) return named(i, "is in a transaction for ever");
    if (row == nullptr || truth.false_claims(i)) continue;
    const auto phase = row_of(*row, i).phase;
    auto wrong = truth.agrees(i, phase);
    if (!wrong.empty()) return named(i, "for good: " + wrong);
    const bool old = host.committed() == truth.before(i);
    if (phase == HostPhase::Lost && !old && !truth.runs_target(i)) {
      return named(i, "lost, and neither what it was nor what it should be");
    }
  }
  return "";
}

}  // namespace kongfleet::simulation
