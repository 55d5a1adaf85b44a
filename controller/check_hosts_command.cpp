// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/check_command.hpp"
#include "controller/checkup_view.hpp"
#include "controller/exit_code.hpp"
#include "controller/fleet_commands.hpp"
#include "controller/run_answer.hpp"
#include "controller/selector.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

int run_check_hosts(const GlobalOptions& global, const CheckCommand& command,
                    const Answer& answer) {
  const auto report = check_fleet(global.fleet_file);
  const auto hosts = select_hosts(report.fleet, command.selectors);
  const bool text = answer.format == OutputFormat::Text;
  if (text) print_check(answer.out, report);
  if (!report.good()) {
    if (!text) answer.out << boost::json::serialize(check_json(report)) << "\n";
    return exit_code::failed;
  }
  FleetRun run(report.fleet, hosts, {}, "check");
  run.check_up_all();
  print_notes(run, answer);
  if (text)
    print_checkups(answer.out, run.hosts());
  else
    answer.out << boost::json::serialize(check_hosts_json(report, run.hosts())) << "\n";
  return checkups_exit_code(run.hosts());
}

}  // namespace kongfleet::controller
