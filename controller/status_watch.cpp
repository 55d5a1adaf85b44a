// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/status_watch.hpp"

#include "controller/fleet_hold.hpp"
#include "controller/fleet_memory.hpp"
#include "controller/fleet_run.hpp"
#include "controller/history_view.hpp"
#include "controller/moment.hpp"
#include "controller/rollout_plan.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>
#include <unistd.h>

#include <ostream>
#include <sstream>
#include <thread>

namespace kongfleet::controller {

namespace {

using Hosts = std::vector<std::unique_ptr<HostRun>>;

constexpr auto interval = std::chrono::seconds(2);

/// What a living controller is at; else what was left behind; else what was looked at last, whose
/// ID is `before`: it is followed to its end.
std::optional<RolloutReplay> rollout_now(const Fleet& fleet, const std::string& before) {
  if (!state_exists(fleet.state)) return std::nullopt;
  FleetMemory memory(fleet, StateDatabase::Mode::Look);
  const auto running = running_rollout(memory.database, fleet.name);
  const auto open = memory.rollouts.open();
  for (const auto& id : {running, open ? open->id : "", before}) {
    // Its events first: what it has come to meanwhile is told at the next look.
    auto events = memory.rollouts.events(id);
    if (events.empty()) continue;
    auto rollout = memory.rollouts.find(id, RolloutMemory::Evidence::Without);
    std::optional<RolloutRules> rules;
    if (!rollout.plan.empty()) rules = read_plan(rollout.plan).rules;
    return RolloutReplay{std::move(rollout), std::move(events), running, std::move(rules)};
  }
  return std::nullopt;
}

// The hosts answer for themselves: where the memory is out of reach they are watched all the same.
RolloutLook look_at_rollout(const Fleet& fleet, const RolloutLook& before) {
  RolloutLook look = before;
  look.unknown.clear();
  try {
    look.rollout = rollout_now(fleet, before.rollout ? before.rollout->rollout.id : "");
  } catch (const Error& error) {
    look.unknown = printable(error.what());
  }
  return look;
}

/// Where nobody paints: lines, and each thing once.
class Teller {
public:
  explicit Teller(std::ostream& out) : out_(out) {}

  void tell(const RolloutLook& look, const Hosts& hosts) {
    if (look.rollout && look.unknown.empty()) tell_rollout(*look.rollout);
    knows_ = knows_ || look.unknown.empty();
    if (look.unknown != unknown_ && !look.unknown.empty())
      out_ << time_text(wall_clock_ms()) << "  rollouts are not known: " << look.unknown << "\n";
    unknown_ = look.unknown;
    std::ostringstream now, lasting;
    print_status(now, hosts);
    for (const auto& host : hosts) take_ages_out(*host);
    print_status(lasting, hosts);
    if (lasting.str() != status_) out_ << time_text(wall_clock_ms()) << "\n" << now.str();
    status_ = lasting.str();
  }

private:
  static void take_ages_out(HostRun& host) {
    if (!host.state.has_open()) return;
    auto& open = *host.state.mutable_open();
    open.set_age_s(0);
    if (open.lease_left_s() > 0) open.set_lease_left_s(1);
  }

  // What happened before anybody looked is in `show`.
  void tell_rollout(const RolloutReplay& replay) {
    const auto standing = replay.rollout.id + "  " + replay.standing();
    const bool begins = replay.rollout.id != id_;
    if (begins) told_ = knows_ ? 0 : replay.events.size();
    if (begins) tell_standing(standing);
    for (const auto& line : replay.lines(told_)) out_ << line << "\n";
    if (!begins) tell_standing(standing);
    id_ = replay.rollout.id;
    told_ = replay.events.size();
  }

  void tell_standing(const std::string& standing) {
    if (standing != standing_) out_ << time_text(wall_clock_ms()) << "  " << standing << "\n";
    standing_ = standing;
  }

  std::ostream& out_;
  std::string id_, standing_, unknown_, status_;  // that were told
  std::size_t told_ = 0;                          // of its events
  bool knows_ = false;                            // what there was when it looked before
};

void print_json(std::ostream& out, const RolloutLook& look, const Hosts& hosts) {
  auto document = status_document(hosts);
  if (!look.unknown.empty())
    document["rollout_unknown"] = look.unknown;
  else if (look.rollout)
    document["rollout"] = rollout_json(look.rollout->rollout, look.rollout->running);
  out << boost::json::serialize(document) << "\n";
}

void paint(std::ostream& out, const std::vector<std::string>& rows) {
  std::string frame = "\x1b[H";
  for (const auto& row : rows) frame += row + "\x1b[K\r\n";
  out << frame << "\x1b[J";
}

}  // namespace

std::vector<std::string> watched_rows(const RolloutLook& look, const Hosts& hosts,
                                      const Window& window, std::int64_t now_ms) {
  std::vector<std::string> rows;
  if (!look.unknown.empty())
    rows.push_back(Row(window).add("rollouts are not known: " + look.unknown, Style::Bad).text());
  if (look.rollout) {
    auto above = window;
    above.height = std::min(window.height, std::max<std::size_t>(window.height * 2 / 3, 8));
    for (auto& row : look.rollout->rows(above, now_ms)) rows.push_back(std::move(row));
    rows.emplace_back();
  }
  const auto most = std::max<std::size_t>(window.height, 1) - 1;
  if (rows.size() < most) {
    auto below = window;
    below.height -= rows.size();
    for (auto& row : status_rows(hosts, below)) rows.push_back(std::move(row));
  }
  if (rows.size() > most) rows.resize(most);
  return rows;
}

void watch_status(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
                  const Answer& answer) {
  const bool screen = answer.format == OutputFormat::Text && is_screen(STDOUT_FILENO);
  if (screen) answer.out << "\x1b[2J";
  Teller teller(answer.out);
  RolloutLook look;
  while (answer.out) {
    FleetRun run(fleet, hosts, {}, "status");
    run.greet_all();
    look = look_at_rollout(fleet, look);
    if (screen)
      paint(answer.out, watched_rows(look, run.hosts(), window_of(STDOUT_FILENO), wall_clock_ms()));
    else if (answer.format == OutputFormat::Json)
      print_json(answer.out, look, run.hosts());
    else
      teller.tell(look, run.hosts());
    answer.out << std::flush;
    std::this_thread::sleep_for(interval);
  }
}

}  // namespace kongfleet::controller
