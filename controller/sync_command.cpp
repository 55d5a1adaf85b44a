// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/clock.hpp"
#include "controller/durations.hpp"
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
#include "controller/sync_summary.hpp"
#include "controller/terminal.hpp"
#include "proto/names.hpp"

#include <unistd.h>

#include <optional>
#include <ostream>

namespace kongfleet::controller {

namespace {

constexpr int interrupted_exit = 130;

/// For cron: what there is to say is said at the end.
class QuietView final : public RunView {
public:
  void wave(std::size_t, std::size_t, std::size_t) override {}
  void baking(std::size_t, std::size_t, std::chrono::milliseconds) override {}
  void step(const HostRun&, const wire::Progress&) override {}
  void phase(const HostRun&, HostPhase) override {}
  void stopping(const std::string&) override {}
};

/// What a first look at all hosts came to.
struct Look {
  std::vector<const FleetHost*> wanting;  // that are to be mended
  RunEnd rest;                            // the others, and what the exit code would be for them
};

Look sort_out(const FleetRun& look) {
  Look found;
  found.rest.kind = look.kind();
  found.rest.id = look.id();
  for (const auto& host : look.hosts()) {
    if (host->plan && !host->plan->poison().empty()) {
      found.rest.poisoned.push_back(host.get());
    } else if (objection(*host) == 0 && !host->plan->unchanged()) {
      found.wanting.push_back(&host->host());
    } else {
      const auto phase = host->ruled_out().value_or(HostPhase::Unchanged);
      found.rest.left_alone.emplace_back(host.get(), phase);
    }
  }
  const int objections = gravest(look.hosts());
  found.rest.exit_code = objections != 0 ? objections : found.rest.poisoned.empty() ? 0 : 2;
  return found;
}

// False: a person or the service manager would not wait. Nothing was touched, and nothing is said.
bool splay(const GlobalOptions& global, const SyncCommand& command, const Answer& answer) {
  if (command.splay.count() == 0) return true;
  const auto time = splay_of(load_fleet(global.fleet_file).name, machine_name(), command.splay);
  const bool watched = answer.format == OutputFormat::Text && is_screen(STDERR_FILENO);
  if (watched) answer.err << "waits for " << text_of(time) << " (--splay)\n";
  return wait_undisturbed(time);
}

void print_poisoned(const RunEnd& end, const Answer& answer) {
  for (const auto* host : end.poisoned) {
    answer.err << host->label()
               << ": not tried again, it failed here before: " << printable(host->plan->poison())
               << "\n";
  }
}

}  // namespace

int run_sync(const GlobalOptions& global, const SyncCommand& command, const Answer& answer) {
  if (!splay(global, command, answer)) return interrupted_exit;
  const auto fleet = load_fleet(global.fleet_file);  // after the wait: it is as it is now
  const auto hosts = select_hosts(fleet, command.selectors);
  const auto began = Clock::now();
  const auto took = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  };
  const auto releases = releases_for(fleet, hosts);
  FleetMemory memory(fleet, StateDatabase::Mode::Write, noting(answer));
  FleetRun look(fleet, hosts, releases, "sync");
  FleetHold hold(memory.database, fleet.name, holder_for(look), FleetHold::Manner::Polite);
  check_may_begin(memory, releases);
  look.plan_all([&] { hold.renew(); });
  auto found = sort_out(look);
  print_poisoned(found.rest, answer);
  print_objections(answer.err, look.hosts());
  RunEnd end = found.rest;
  std::vector<std::string> troubles;
  std::optional<FleetRun> run;  // outlives what is said of its hosts
  if (found.wanting.empty()) {
    // Nothing was run, but a run that found nothing to do is news to whoever watches for silence.
    auto unwritten = write_metrics(fleet, end, took());
    if (!unwritten.empty()) troubles.push_back(std::move(unwritten));
  } else {
    run.emplace(fleet, found.wanting, releases, "sync", look.id());
    run->plan_all([&] { hold.renew(); });
    QuietView quiet;
    RunWatch watch(fleet, run->id());
    end = roll_out(*run, memory, hold, selection_text(command.selectors),
                   {watch.around(quiet), watch.gate()});
    end.left_alone = found.rest.left_alone;
    end.poisoned = found.rest.poisoned;
    if (end.exit_code == 0) end.exit_code = found.rest.exit_code;
    if (has_news(end) || !end.forgotten.empty()) print_run_end(answer, end);
    troubles = watch.end(end);
  }
  const bool text = answer.format == OutputFormat::Text;
  if (!text && found.wanting.empty() && has_news(end)) print_run_end(answer, end);
  if (text && has_news(end)) answer.out << sync_summary(fleet.name, end, took()) << "\n";
  print_troubles(answer, troubles);
  return end.exit_code;
}

}  // namespace kongfleet::controller
