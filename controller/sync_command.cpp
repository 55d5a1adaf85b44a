// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/clock.hpp"
#include "controller/declined.hpp"
#include "controller/durations.hpp"
#include "controller/exit_code.hpp"
#include "controller/fleet_commands.hpp"
#include "controller/fleet_file.hpp"
#include "controller/objections.hpp"
#include "controller/plan_view.hpp"
#include "controller/recorded_run.hpp"
#include "controller/release_source.hpp"
#include "controller/run_answer.hpp"
#include "controller/run_watch.hpp"
#include "controller/selector.hpp"
#include "controller/splay.hpp"
#include "controller/sync_decision.hpp"
#include "controller/sync_look.hpp"
#include "controller/sync_summary.hpp"
#include "controller/terminal.hpp"
#include "proto/names.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

namespace kongfleet::controller {

namespace {

/// For cron: what there is to say is said at the end.
class QuietView final : public RunView {
public:
  void wave(std::size_t, std::size_t, std::size_t) override {}
  void baking(std::size_t, std::size_t, std::chrono::milliseconds) override {}
  void step(const HostRun&, const wire::Progress&) override {}
  void phase(const HostRun&, HostPhase) override {}
  void stopping(const std::string&) override {}
};

/// What is known of a sync while it is under way, for its last line.
struct Known {
  std::optional<Fleet> fleet;
  std::string id = "-";
  Clock::time_point began = Clock::now();

  std::chrono::milliseconds took() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  }
};

// False: a person or the service manager would not wait. Nothing was touched, and nothing is said.
bool splay(const GlobalOptions& global, const SyncCommand& command, const Answer& answer) {
  if (command.splay.count() == 0) return true;
  const auto time = splay_of(load_fleet(global.fleet_file).name, machine_name(), command.splay);
  const bool watched = answer.format == OutputFormat::Text && is_screen(STDERR_FILENO);
  if (watched) answer.err << "waits for " << text_of(time) << " (--splay)\n";
  return wait_undisturbed(time);
}

void print_poisoned(const FleetRun& run, const Answer& answer) {
  for (const auto& host : run.hosts()) {
    if (sync_lot(*host) != SyncLot::Poisoned) continue;
    answer.err << host->label()
               << ": not tried again, it failed here before: " << printable(host->plan->poison())
               << "\n";
  }
}

int sync(const GlobalOptions& global, const SyncCommand& command, const Answer& answer,
         Known& known) {
  if (!splay(global, command, answer)) return exit_code::interrupted;
  known.began = Clock::now();
  known.fleet = load_fleet(global.fleet_file);  // after the wait: it is as it is now
  const auto& fleet = *known.fleet;
  const auto hosts = select_hosts(fleet, command.selectors);
  const auto releases = releases_for(fleet, hosts);
  FleetMemory memory(fleet, StateDatabase::Mode::Write, noting(answer));
  FleetRun run(fleet, hosts, releases, "sync");
  known.id = run.id();
  FleetHold hold(memory.database, fleet.name, holder_for(run), FleetHold::Manner::Polite);
  check_may_begin(memory, releases);
  run.plan_all([&] { hold.renew(); });
  print_poisoned(run, answer);
  print_objections(answer.err, run.hosts());
  const auto look = sort_out(run);
  const auto why_not = look.why_not(run.rules());
  if (!why_not.empty()) answer.err << "nothing was touched: " << why_not << "\n";
  const bool text = answer.format == OutputFormat::Text;
  RunEnd end;
  std::vector<std::string> troubles;
  if (!look.any_wanting() || !why_not.empty()) {
    // Nothing was run, but a run that found nothing to do is news to whoever watches for silence.
    end = end_of_nothing(run, look);
    tell_apart(end, look);
    auto unwritten = write_metrics(fleet, end, known.took());
    if (!unwritten.empty()) troubles.push_back(std::move(unwritten));
    if (!text && has_news(end)) print_run_end(answer, end);
  } else {
    QuietView quiet;
    RunWatch watch(fleet, run.id());
    end = roll_out(run, memory, hold, selection_text(command.selectors),
                   {watch.around(quiet), watch.gate()}, set_aside);
    tell_apart(end, look);
    if (has_news(end) || !end.forgotten.empty()) print_run_end(answer, end);
    troubles = watch.end(end);
  }
  print_troubles(answer, troubles);
  if (text && has_news(end)) answer.out << sync_summary(fleet.name, end, known.took()) << "\n";
  return end.exit_code;
}

// Whoever reads logs finds the same last line, also where a sync did not come to its hosts; and
// whoever watches metrics learns of it, unless another run is under way, which has its own to tell.
int give_up(const Answer& answer, const Known& known, int code, const std::string& why) {
  answer_mistake(answer, "sync", why);
  RunEnd end;
  end.kind = "sync";
  end.id = known.id;
  end.exit_code = code;
  if (known.fleet && code != exit_code::held) {
    const auto unwritten = write_metrics(*known.fleet, end, known.took());
    if (!unwritten.empty()) print_troubles(answer, {unwritten});
  }
  if (answer.format == OutputFormat::Text)
    answer.out << sync_summary(known.fleet ? known.fleet->name : "-", end, known.took()) << "\n";
  return code;
}

}  // namespace

int run_sync(const GlobalOptions& global, const SyncCommand& command, const Answer& answer) {
  Known known;
  try {
    return sync(global, command, answer, known);
  } catch (const Declined& declined) {
    return give_up(answer, known, declined.exit_code(), declined.what());
  } catch (const std::exception& error) {
    return give_up(answer, known, 1, error.what());
  }
}

}  // namespace kongfleet::controller
