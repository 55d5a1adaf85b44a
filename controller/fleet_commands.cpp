// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_commands.hpp"

#include "controller/exit_code.hpp"
#include "controller/fleet_file.hpp"
#include "controller/objections.hpp"
#include "controller/ousted.hpp"
#include "controller/plan_view.hpp"
#include "controller/recorded_run.hpp"
#include "controller/release_source.hpp"
#include "controller/run_answer.hpp"
#include "controller/run_watch.hpp"
#include "controller/selector.hpp"
#include "controller/status_view.hpp"
#include "controller/status_watch.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <ostream>

namespace kongfleet::controller {

namespace {

// A plan needs no memory: where it can't be looked at, that is told, and nothing is known of it.
std::vector<ReleaseConflict> conflicts_of(const Fleet& fleet, const std::vector<Release>& releases,
                                          const Answer& answer) {
  try {
    if (!state_exists(fleet.state)) return {};
    FleetMemory memory(fleet, StateDatabase::Mode::Look, noting(answer));
    return memory.releases.conflicts(releases);
  } catch (const Error& error) {
    answer.err << "note: " << printable(error.what())
               << "; whether these versions were released before with other content is not known\n";
  }
  return {};
}

}  // namespace

int run_plan(const GlobalOptions& global, const PlanCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  FleetRun run(fleet, hosts, releases_for(fleet, hosts), "plan");
  run.plan_all();
  print_notes(run, answer);
  const auto conflicts = conflicts_of(fleet, run.releases(), answer);
  if (answer.format == OutputFormat::Json) {
    print_plan_json(answer.out, run.hosts(), conflicts);
  } else {
    print_plan(answer.out, run.hosts());
    print_conflicts(answer.out, conflicts);
  }
  const int code = gravest(run.hosts());
  const bool refused = !conflicts.empty() && (code == exit_code::done || code == exit_code::held);
  if (refused) return ReleaseConflict::exit_code;
  if (code != 0) return code;
  const bool changes = std::any_of(run.hosts().begin(), run.hosts().end(),
                                   [](const auto& host) { return !host->plan->unchanged(); });
  return changes ? exit_code::differs : exit_code::done;
}

int run_rollout(const GlobalOptions& global, const RolloutCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  FleetMemory memory(fleet, StateDatabase::Mode::Write, noting(answer));
  FleetRun run(fleet, hosts, releases_for(fleet, hosts), "rollout");
  FleetHold hold(memory.database, fleet.name, holder_for(run), FleetHold::Manner::Polite);
  check_may_begin(memory, run.releases());
  run.plan_all([&] { hold.renew(); });
  print_notes(run, answer);
  const auto& all = run.hosts();
  const auto objections = static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [](const auto& host) { return objection(*host) != 0; }));
  if (objections > fleet.rollout.max_failures) {
    if (answer.format == OutputFormat::Json) print_plan_json(answer.out, all, {});
    print_objections(answer.err, all);
    answer.err << "nothing was touched\n";
    return gravest(run.hosts());
  }
  if (answer.format == OutputFormat::Text) print_plan(answer.err, all);
  if (!agreed("Roll this out?", command.yes)) {
    return touched_nothing(answer, "rollout");
  }
  RunWatch watch(fleet, run.id());
  auto view = view_for(answer, run.shape(run.rules()));
  const auto end = roll_out(run, memory, hold, selection_text(command.selectors),
                            {watch.around(*view), watch.gate()});
  view.reset();  // it may have the screen to itself
  print_run_end(answer, end);
  print_troubles(answer, watch.end(end));
  return end.exit_code;
}

int run_status(const GlobalOptions& global, const StatusCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  if (command.watch) {
    watch_status(fleet, hosts, answer);
    return 0;
  }
  FleetRun run(fleet, hosts, {}, "status");
  run.greet_all();
  print_notes(run, answer);
  if (answer.format == OutputFormat::Json) {
    print_status_json(answer.out, run.hosts());
  } else {
    print_status(answer.out, run.hosts());
  }
  return status_exit_code(run.hosts());
}

}  // namespace kongfleet::controller
