// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/history_commands.hpp"

#include "controller/declined.hpp"
#include "controller/durable_file.hpp"
#include "controller/fleet_file.hpp"
#include "controller/fleet_hold.hpp"
#include "controller/fleet_memory.hpp"
#include "controller/history_view.hpp"
#include "controller/report.hpp"
#include "controller/run_answer.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

int run_history(const GlobalOptions& global, const HistoryCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  std::vector<RememberedRollout> rollouts;
  std::string running;
  if (state_exists(fleet.state)) {
    FleetMemory memory(fleet, StateDatabase::Mode::Look, noting(answer));
    rollouts = memory.rollouts.list(command.limit);
    running = running_rollout(memory.database, fleet.name);
  }
  if (answer.format == OutputFormat::Json) {
    print_history_json(answer.out, rollouts, running);
  } else {
    print_history(answer.out, rollouts, running);
  }
  return 0;
}

int run_show(const GlobalOptions& global, const ShowCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  if (!state_exists(fleet.state)) throw Declined(1, "this fleet remembers no rollout yet");
  FleetMemory memory(fleet, StateDatabase::Mode::Look, noting(answer));
  const auto rollout = memory.rollouts.find(command.id);
  const auto running = running_rollout(memory.database, fleet.name);
  if (answer.format == OutputFormat::Json) {
    print_rollout_json(answer.out, rollout, memory.rollouts.events(rollout.id), running);
  } else {
    print_rollout(answer.out, rollout, running);
  }
  return 0;
}

int run_report(const GlobalOptions& global, const ReportCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  if (!state_exists(fleet.state)) throw Declined(1, "this fleet remembers no rollout yet");
  FleetMemory memory(fleet, StateDatabase::Mode::Look, noting(answer));
  const auto rollout = memory.rollouts.find(command.id);
  const auto page = report_page(rollout, memory.rollouts.events(rollout.id),
                                result_text(rollout, running_rollout(memory.database, fleet.name)));
  const auto file = command.output.empty() ? rollout.id + ".html" : command.output.string();
  replace_file(file, page);
  if (answer.format == OutputFormat::Json) {
    const boost::json::object document{{"schema", json_schema},
                                       {"command", "report"},
                                       {"ok", true},
                                       {"rollout", rollout.id},
                                       {"file", file}};
    answer.out << boost::json::serialize(document) << "\n";
  } else {
    answer.out << file << "\n";
  }
  return 0;
}

}  // namespace kongfleet::controller
