// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/resume_commands.hpp"

#include "controller/declined.hpp"
#include "controller/fleet_file.hpp"
#include "controller/recorded_run.hpp"
#include "controller/rollout_plan.hpp"
#include "controller/run_answer.hpp"
#include "controller/run_watch.hpp"

namespace kongfleet::controller {

namespace {

struct Deed {
  Again again;
  const char* verb;      // "resume"
  const char* question;  // what is asked before: "Go on with"
};

int run_again(const GlobalOptions& global, const Deed& deed, const std::string& id, bool yes,
              const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  if (!state_exists(fleet.state)) throw Declined(1, "this fleet remembers no rollout yet");
  FleetMemory memory(fleet, StateDatabase::Mode::Write, noting(answer));
  auto found = unfinished(fleet, memory, id);
  std::vector<const FleetHost*> hosts;
  for (const auto& host : found.fleet.hosts) hosts.push_back(&host);
  FleetRun run(found.fleet, hosts, found.releases, found.rollout.kind, found.rollout.id);
  const auto doing = std::string(deed.verb) + " " + run.id();
  const auto polite = FleetHold::Manner::Polite;
  // Who is at it is told at once; nobody is while a person thinks.
  { const FleetHold look(memory.database, fleet.name, this_holder(run.who(), doing), polite); }
  if (!agreed(std::string(deed.question) + " " + run.id() + "?", yes)) {
    return touched_nothing(answer, deed.verb);
  }
  FleetHold hold(memory.database, fleet.name, this_holder(run.who(), doing), polite);
  // Others may have been at it until the fleet was ours.
  found.rollout = memory.rollouts.find(run.id());
  if (is_over(found.rollout.state)) throw Declined(1, run.id() + " is over by now");
  auto shape = run.shape(read_plan(found.rollout.plan).rules);
  for (const auto& host : found.rollout.hosts) shape.phases.push_back(host.phase);
  RunWatch watch(found.fleet, run.id(), deed.again == Again::Abort);
  auto view = view_for(answer, std::move(shape));
  const auto end =
      take_up(run, found, deed.again, memory, hold, {watch.around(*view), watch.gate()});
  view.reset();  // it may have the screen to itself
  print_notes(run, answer);
  print_run_end(answer, end);
  print_troubles(answer, watch.end(end));
  return end.exit_code;
}

}  // namespace

int run_resume(const GlobalOptions& global, const ResumeCommand& command, const Answer& answer) {
  return run_again(global, {Again::Resume, "resume", "Go on with"}, command.id, command.yes,
                   answer);
}

int run_abort(const GlobalOptions& global, const AbortCommand& command, const Answer& answer) {
  return run_again(global, {Again::Abort, "abort", "Take back"}, command.id, command.yes, answer);
}

}  // namespace kongfleet::controller
