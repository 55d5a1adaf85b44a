// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/declined.hpp"
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

#include <optional>
#include <ostream>

namespace kongfleet::controller {

namespace {

/// A rollback's memory. It needs none: where that fails it is told, and gone without.
class RollbackMemory {
public:
  RollbackMemory(const Fleet& fleet, const Answer& answer) : answer_(answer) {
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
                    FleetHold::Manner::BreakGlass);
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
    if (!end.taken_over.empty()) return;  // the fleet is somebody else's
    try {
      if (record_) record_->end(end);
    } catch (const Error& error) {
      note(error);
    }
  }

private:
  void note(const Error& error) {
    answer_.err << "note: " << printable(error.what()) << "; this rollback is not remembered\n";
    record_.reset();
    hold_.reset();
    memory_.reset();
  }

  const Answer& answer_;
  std::optional<FleetMemory> memory_;
  std::optional<FleetHold> hold_;
  std::optional<RolloutRecord> record_;
};

std::vector<std::string> labels_of(const std::vector<const FleetHost*>& hosts) {
  std::vector<std::string> labels;
  for (const auto* host : hosts) labels.push_back(host->label());
  return labels;
}

// Without memory there is no telling what a rollout brought.
RememberedRollout remembered(const Fleet& fleet, const std::string& id, const Answer& answer) {
  if (!state_exists(fleet.state)) throw Declined(1, "this fleet remembers no rollout yet");
  FleetMemory memory(fleet, StateDatabase::Mode::Look, noting(answer));
  return memory.rollouts.find(id);
}

}  // namespace

int run_rollback(const GlobalOptions& global, const RollbackCommand& command,
                 const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  auto hosts = select_hosts(fleet, command.selectors);
  auto target = command.to ? "generation " + std::to_string(*command.to) : "the generation before";
  auto selection = selection_text(command.selectors);
  std::vector<RollbackTarget> targets;
  if (command.rollout) {
    const auto rollout = remembered(fleet, *command.rollout, answer);
    targets = rollback_targets(rollout, hosts);
    hosts.clear();
    for (const auto& it : targets) hosts.push_back(it.host);
    target = "where it was before " + rollout.id;
    selection = "--rollout " + rollout.id + (selection.empty() ? "" : " " + selection);
  }
  RollbackMemory memory(fleet, answer);
  const auto open = memory.open();
  const auto notice = open ? rollback_notice(*open, labels_of(hosts)) : "";
  if (open && answer.format == OutputFormat::Text)
    answer.err << "note: " << printable(notice) << "\n";
  const auto besides = open ? ", and end " + open->id : "";
  if (!agreed("Take " + counted(hosts.size(), "host") + " back to " + target + besides + "?",
              command.yes)) {
    return touched_nothing(answer, "rollback");
  }
  FleetRun run(fleet, hosts, {}, "rollback");
  for (std::size_t i = 0; i < targets.size(); ++i)
    run.hosts()[i]->takes_back_only(targets[i].brought);
  RunWatch watch(fleet, run.id());
  auto view = view_for(answer, run.shape({}));
  auto& shown = watch.around(*view);
  if (open) shown.ends(*open, notice);
  memory.begin(run, selection, shown);
  const auto end = run.roll_back(command.to, memory.view(shown));
  memory.end(end);
  view.reset();  // it may have the screen to itself
  print_notes(run, answer);
  print_run_end(answer, end);
  print_troubles(answer, watch.end(end));
  return end.exit_code;
}

}  // namespace kongfleet::controller
