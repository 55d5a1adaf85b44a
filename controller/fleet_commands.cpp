// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_commands.hpp"

#include "controller/fleet_file.hpp"
#include "controller/plan_view.hpp"
#include "controller/recorded_run.hpp"
#include "controller/release_source.hpp"
#include "controller/rollout_record.hpp"
#include "controller/run_answer.hpp"
#include "controller/run_watch.hpp"
#include "controller/selector.hpp"
#include "controller/status_view.hpp"
#include "controller/status_watch.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <optional>
#include <ostream>

namespace kongfleet::controller {

namespace {

using Hosts = std::vector<const FleetHost*>;

// Only what the selected hosts run is read: a broken plugin elsewhere is no reason to stop here.
std::vector<Release> releases_for(const Fleet& fleet, const Hosts& hosts) {
  std::vector<Release> releases;
  for (const auto& plugin : fleet.plugins) {
    const bool wanted = std::any_of(hosts.begin(), hosts.end(), [&](const FleetHost* host) {
      const auto& names = host->plugins;
      return std::find(names.begin(), names.end(), plugin.name.text()) != names.end();
    });
    if (wanted) releases.push_back(load_release(plugin));
  }
  return releases;
}

// Before anything is touched: what kind of no a host's answer is; 0 for a yes.
int objection(const HostRun& host) {
  if (host.trouble == Trouble::Held) return 75;
  if (host.trouble == Trouble::Stranded) return 4;
  if (host.trouble != Trouble::None) return 1;
  return host.plan && host.plan->refusals_size() > 0 ? 5 : 0;
}

// The gravest of all hosts' objections: a person is needed, then a mistake in the set-up, then what
// hosts think of the release; "try later" only where that alone would help.
int gravest(const FleetRun& run) {
  for (const int code : {4, 1, 5, 75}) {
    const bool any = std::any_of(run.hosts().begin(), run.hosts().end(),
                                 [&](const auto& host) { return objection(*host) == code; });
    if (any) return code;
  }
  return 0;
}

/// For cron: what there is to say is said at the end.
class QuietView final : public RunView {
public:
  void wave(std::size_t, std::size_t, std::size_t) override {}
  void baking(std::size_t, std::size_t, std::chrono::milliseconds) override {}
  void step(const HostRun&, const wire::Progress&) override {}
  void phase(const HostRun&, HostPhase) override {}
  void stopping(const std::string&) override {}
};

Holder holder_for(const FleetRun& run) {
  return this_holder(run.who(), run.kind() + " " + run.id());
}

}  // namespace

int run_plan(const GlobalOptions& global, const PlanCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  FleetRun run(fleet, hosts, releases_for(fleet, hosts), "plan");
  run.plan_all();
  print_notes(run, answer);
  if (answer.format == OutputFormat::Json) {
    print_plan_json(answer.out, run.hosts());
  } else {
    print_plan(answer.out, run.hosts());
  }
  const int code = gravest(run);
  if (code != 0) return code;
  const bool changes = std::any_of(run.hosts().begin(), run.hosts().end(),
                                   [](const auto& host) { return !host->plan->unchanged(); });
  return changes ? 2 : 0;
}

int run_rollout(const GlobalOptions& global, const RolloutCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  FleetMemory memory(fleet, StateDatabase::Mode::Write);
  FleetRun run(fleet, hosts, releases_for(fleet, hosts), "rollout");
  FleetHold hold(memory.database, fleet.name, holder_for(run), FleetHold::Manner::Polite);
  check_may_begin(memory, run.releases());
  run.plan_all([&] { hold.renew(); });
  print_notes(run, answer);
  const auto& all = run.hosts();
  const auto objections = static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [](const auto& host) { return objection(*host) != 0; }));
  if (objections > fleet.rollout.max_failures) {
    if (answer.format == OutputFormat::Json) print_plan_json(answer.out, all);
    print_objections(answer.err, all);
    answer.err << "nothing was touched\n";
    return gravest(run);
  }
  if (answer.format == OutputFormat::Text) print_plan(answer.err, all);
  if (!agreed("Roll this out?", command.yes)) {
    answer.err << "nothing was touched\n";
    return 130;
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

int run_sync(const GlobalOptions& global, const SyncCommand& command, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  const auto releases = releases_for(fleet, hosts);
  FleetMemory memory(fleet, StateDatabase::Mode::Write);
  FleetRun look(fleet, hosts, releases, "sync");
  FleetHold hold(memory.database, fleet.name, holder_for(look), FleetHold::Manner::Polite);
  check_may_begin(memory, releases);
  look.plan_all([&] { hold.renew(); });
  Hosts wanting;
  bool skipped = false;
  for (const auto& host : look.hosts()) {
    const bool poisoned = host->plan && !host->plan->poison().empty();
    if (poisoned) {
      answer.err << host->label()
                 << ": not tried again, it failed here before: " << printable(host->plan->poison())
                 << "\n";
    } else if (objection(*host) == 0 && !host->plan->unchanged()) {
      wanting.push_back(&host->host());
    }
    skipped = skipped || poisoned;
  }
  print_objections(answer.err, look.hosts());
  const int code = gravest(look) != 0 ? gravest(look) : skipped ? 2 : 0;
  if (wanting.empty()) {
    // Nothing was run, but a run that found nothing to do is news to whoever watches for silence.
    RunEnd nothing{.kind = "sync", .id = look.id(), .exit_code = code, .hosts = {}};
    for (const auto& host : look.hosts()) {
      nothing.hosts.emplace_back(host.get(), host->ruled_out().value_or(HostPhase::Unchanged));
    }
    const auto trouble = write_metrics(fleet, nothing, {});
    if (!trouble.empty()) print_troubles(answer, {trouble});
    return code;
  }
  FleetRun run(fleet, wanting, releases, "sync", look.id());
  run.plan_all([&] { hold.renew(); });
  QuietView quiet;
  RunWatch watch(fleet, run.id());
  const auto end = roll_out(run, memory, hold, selection_text(command.selectors),
                            {watch.around(quiet), watch.gate()});
  print_run_end(answer, end);
  print_troubles(answer, watch.end(end));
  return end.exit_code != 0 ? end.exit_code : code;
}

namespace {

/// A rollback's memory. It needs none: where that fails it is told, and gone without.
class RollbackMemory {
public:
  RollbackMemory(const FleetRun& run, const std::string& selection, const Answer& answer,
                 RunView& shown)
      : answer_(answer), view_(shown) {
    try {
      memory_.emplace(run.fleet(), StateDatabase::Mode::Write);
      hold_.emplace(memory_->database, run.fleet().name, holder_for(run),
                    FleetHold::Manner::BreakGlass);
      if (const auto& other = hold_->ousted()) {
        answer.err << "note: " << other->who << " was at " << other->doing << "; it will stop\n";
      }
      record_.emplace(begin_rollback(run, *memory_, selection), run.hosts(), memory_->rollouts,
                      *hold_, shown);
    } catch (const Error& error) {
      note(error);
    }
  }
  RunView& view() { return record_ ? *record_ : view_; }
  void end(const RunEnd& end) {
    try {
      if (record_) record_->end(end);
    } catch (const Error& error) {
      note(error);
    }
  }

private:
  void note(const Error& error) {
    answer_.err << "note: " << error.what() << "; this rollback is not remembered\n";
  }

  const Answer& answer_;
  RunView& view_;
  std::optional<FleetMemory> memory_;
  std::optional<FleetHold> hold_;
  std::optional<RolloutRecord> record_;
};

}  // namespace

int run_rollback(const GlobalOptions& global, const RollbackCommand& command,
                 const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, command.selectors);
  const auto target =
      command.to ? "generation " + std::to_string(*command.to) : "the generation before";
  if (!agreed("Take " + std::to_string(hosts.size()) + " hosts back to " + target + "?",
              command.yes)) {
    answer.err << "nothing was touched\n";
    return 130;
  }
  FleetRun run(fleet, hosts, {}, "rollback");
  RunWatch watch(fleet, run.id());
  auto view = view_for(answer, run.shape({}));
  RollbackMemory memory(run, selection_text(command.selectors), answer, watch.around(*view));
  const auto end = run.roll_back(command.to, memory.view());
  memory.end(end);
  view.reset();  // it may have the screen to itself
  print_notes(run, answer);
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

int run_check_hosts(const GlobalOptions& global, const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto hosts = select_hosts(fleet, {});
  FleetRun run(fleet, hosts, {}, "check");
  run.greet_all();
  print_notes(run, answer);
  if (answer.format == OutputFormat::Json) {
    print_status_json(answer.out, run.hosts());
  } else {
    print_status(answer.out, run.hosts());
  }
  const bool good = std::all_of(run.hosts().begin(), run.hosts().end(), [](const auto& host) {
    return host->trouble == Trouble::None && host->state.state() == "ready";
  });
  return good ? 0 : 1;
}

}  // namespace kongfleet::controller
