// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "controller/fleet_commands.hpp"
#include "controller/fleet_file.hpp"
#include "controller/recorded_run.hpp"
#include "controller/rollback_notice.hpp"
#include "controller/rollback_target.hpp"
#include "controller/rollout_record.hpp"
#include "controller/run_answer.hpp"
#include "controller/run_watch.hpp"
#include "controller/selector.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <optional>
#include <ostream>

namespace kongfleet::controller {

namespace {

void refuse_open(RolloutMemory& rollouts) {
  const auto open = rollouts.open();
  if (!open) return;
  throw Declined(exit_code::held, open->id + " is not over: end it first, with 'kongfleet resume " +
                                      open->id + "' or 'kongfleet abort " + open->id +
                                      "'; nothing was touched");
}

/// A rollback's memory. Unless it is `needed`, to hold the fleet as others do, it needs none: where
/// that fails it is told, and gone without.
class RollbackMemory {
public:
  RollbackMemory(const Fleet& fleet, const Answer& answer, bool needed)
      : answer_(answer), needed_(needed) {
    try {
      memory_.emplace(fleet, StateDatabase::Mode::Write, noting(answer));
    } catch (const Error& error) {
      note(error);
    }
  }
  /// The rollout that is not over, with its hosts, and that this rollback will end.
  std::optional<RememberedRollout> open() {
    try {
      const auto open = memory_ ? memory_->rollouts.open() : std::nullopt;
      if (open) return memory_->rollouts.find(open->id);
    } catch (const Error& error) {
      note(error);
    }
    return std::nullopt;
  }
  void begin(const FleetRun& run, const std::string& selection, RunView& shown) {
    if (!memory_) return;
    try {
      hold_.emplace(memory_->database, run.fleet().name, holder_for(run),
                    needed_ ? FleetHold::Manner::Polite : FleetHold::Manner::BreakGlass);
      if (needed_) refuse_open(memory_->rollouts);  // one that began while a person thought
      if (const auto& other = hold_->ousted()) {
        answer_.err << "note: " << printable(other->who) << " was at " << printable(other->doing)
                    << "; it will stop\n";
      }
      record_.emplace(begin_rollback(run, *memory_, selection), run.hosts(), memory_->rollouts,
                      *hold_, shown);
    } catch (const Error& error) {
      note(error);
    }
  }
  RunView& view(RunView& shown) { return record_ ? *record_ : shown; }
  void end(const RunEnd& end) {
    try {
      if (record_) record_->end(end);
    } catch (const Error& error) {
      note(error);
    }
  }

private:
  void note(const Error& error) {
    if (needed_ && !record_) throw;
    answer_.err << "note: " << printable(error.what()) << "; this rollback is not remembered\n";
    record_.reset();
    hold_.reset();
    memory_.reset();
  }

  const Answer& answer_;
  bool needed_;
  std::optional<FleetMemory> memory_;
  std::optional<FleetHold> hold_;
  std::optional<RolloutRecord> record_;
};

std::vector<std::string> labels_of(const std::vector<const FleetHost*>& hosts) {
  std::vector<std::string> labels;
  for (const auto* host : hosts) labels.push_back(host->label());
  return labels;
}

// Which one is meant: of "latest", the newest that is no rollback itself.
RememberedRollout named(RolloutMemory& rollouts, const std::string& id) {
  constexpr std::size_t looked_at_max = 100;
  if (id != "latest") {
    auto rollout = rollouts.find(id);
    if (rollout.kind != "rollback") return rollout;
    throw Declined(1, rollout.id +
                          " is a rollback; name a rollout, as 'kongfleet history' shows "
                          "them; nothing was touched");
  }
  for (const auto& rollout : rollouts.list(looked_at_max)) {
    if (rollout.kind != "rollback") return rollouts.find(rollout.id);
  }
  throw Declined(1, "this fleet remembers no rollout that could be taken back");
}

/// What is to go back, and where to.
struct Aim {
  std::vector<const FleetHost*> hosts;
  std::string where;
  std::string selection;
  std::vector<RollbackTarget> targets;  // with --rollout, of each host
};

Aim aim_of(const RollbackCommand& command, const Fleet& fleet) {
  return {
      .hosts = select_hosts(fleet, command.selectors),
      .where = command.to ? "generation " + std::to_string(*command.to) : "the generation before",
      .selection = selection_text(command.selectors),
      .targets = {}};
}

// It is no breaking of glass: who is at the fleet is not disturbed, and without memory there is no
// telling what a rollout brought.
Aim aim_of_rollout(const RollbackCommand& command, const Fleet& fleet, const Answer& answer) {
  auto aim = aim_of(command, fleet);
  if (!state_exists(fleet.state)) throw Declined(1, "this fleet remembers no rollout yet");
  FleetMemory memory(fleet, StateDatabase::Mode::Look, noting(answer));
  refuse_open(memory.rollouts);
  const auto rollout = named(memory.rollouts, *command.rollout);
  if (command.selectors.empty()) {
    for (const auto& label : lost_targets(rollout, fleet))
      answer.err << "note: '" << printable(label) << "' may run what " << rollout.id
                 << " brought, and the fleet file names it no more: it is left as it is\n";
  }
  aim.targets = rollback_targets(rollout, aim.hosts);
  if (aim.targets.size() < aim.hosts.size())
    answer.err << "note: " << counted(aim.hosts.size() - aim.targets.size(), "host")
               << " of those selected kept nothing of " << rollout.id
               << ", and nothing is done there\n";
  aim.hosts.clear();
  for (const auto& target : aim.targets) aim.hosts.push_back(target.host);
  aim.where = "where it was before " + rollout.id;
  aim.selection = "--rollout " + rollout.id + (aim.selection.empty() ? "" : " " + aim.selection);
  return aim;
}

bool any_went_back(const RunEnd& end) {
  return std::any_of(end.hosts.begin(), end.hosts.end(),
                     [](const auto& host) { return host.second == HostPhase::Done; });
}

}  // namespace

int run_rollback(const GlobalOptions& global, const RollbackCommand& command,
                 const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto aim =
      command.rollout ? aim_of_rollout(command, fleet, answer) : aim_of(command, fleet);
  RollbackMemory memory(fleet, answer, command.rollout.has_value());
  const auto open = memory.open();
  const auto notice = open ? rollback_notice(*open, labels_of(aim.hosts)) : "";
  if (open && answer.format == OutputFormat::Text)
    answer.err << "note: " << printable(notice) << "\n";
  const auto besides = open ? ", and end " + open->id : "";
  if (!agreed("Take " + counted(aim.hosts.size(), "host") + " back to " + aim.where + besides + "?",
              command.yes)) {
    return touched_nothing(answer, "rollback");
  }
  FleetRun run(fleet, aim.hosts, {}, "rollback");
  for (std::size_t i = 0; i < aim.targets.size(); ++i)
    run.hosts()[i]->takes_back_only(aim.targets[i].brought);
  RunWatch watch(fleet, run.id(), true);
  auto view = view_for(answer, run.shape({}));
  auto& shown = watch.around(*view);
  if (open) shown.ends(*open, notice);
  memory.begin(run, aim.selection, shown);
  const auto end = run.roll_back(command.to, memory.view(shown));
  memory.end(end);
  view.reset();  // it may have the screen to itself
  print_notes(run, answer);
  print_run_end(answer, end);
  if (answer.format == OutputFormat::Text && any_went_back(end))
    answer.err
        << "note: what the fleet file names still comes again with the next rollout or sync; "
           "change it there, too\n";
  print_troubles(answer, watch.end(end));
  return end.exit_code;
}

}  // namespace kongfleet::controller
