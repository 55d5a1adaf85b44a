// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/status_watch.hpp"

#include "controller/fleet_run.hpp"
#include "controller/moment.hpp"
#include "controller/state_database.hpp"
#include "controller/status_view.hpp"

#include <unistd.h>

#include <ostream>
#include <sstream>
#include <thread>

namespace kongfleet::controller {

namespace {

constexpr auto interval = std::chrono::seconds(2);

void paint(std::ostream& out, const FleetRun& run) {
  std::string frame = "\x1b[H";
  for (const auto& row : status_rows(run.hosts(), window_of(STDOUT_FILENO)))
    frame += row + "\x1b[K\r\n";
  out << frame << "\x1b[J" << std::flush;
}

void tell(std::ostream& out, const FleetRun& run, std::string& before) {
  std::ostringstream now;
  print_status(now, run.hosts());
  if (now.str() != before) out << time_text(wall_clock_ms()) << "\n" << now.str() << std::flush;
  before = now.str();
}

}  // namespace

void watch_status(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
                  const Answer& answer) {
  const bool screen = answer.format == OutputFormat::Text && is_screen(STDOUT_FILENO);
  if (screen) answer.out << "\x1b[2J";
  std::string before;
  while (answer.out) {
    FleetRun run(fleet, hosts, {}, "status");
    run.greet_all();
    if (screen)
      paint(answer.out, run);
    else if (answer.format == OutputFormat::Json)
      print_status_json(answer.out, run.hosts());
    else
      tell(answer.out, run, before);
    answer.out << std::flush;
    std::this_thread::sleep_for(interval);
  }
}

}  // namespace kongfleet::controller
