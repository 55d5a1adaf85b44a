// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_memory.hpp"

#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "controller/fleet_hold.hpp"
#include "controller/moment.hpp"
#include "controller/ousted.hpp"
#include "controller/release_memory.hpp"
#include "controller/state_schema.hpp"
#include "proto/names.hpp"

#include <soci/soci.h>

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr std::pair<RolloutState, std::string_view> state_names[] = {
    {RolloutState::Open, "open"},
    {RolloutState::Paused, "paused"},
    {RolloutState::Interrupted, "interrupted"},
    {RolloutState::Ended, "ended"},
    {RolloutState::Aborted, "aborted"},
};

constexpr std::string_view columns =
    "id, kind, who, started_ms, ended_ms, selection, plan, state, stop, why, exit_code";
constexpr std::string_view not_over = " state IN ('open', 'paused', 'interrupted') ";
constexpr std::size_t newest_named = 3;

// Names go to terminals and pages as they are, and whoever may write to the state may be anybody.
std::string plain(std::string text, const char* what) {
  if (printable(text) != text) {
    throw Error("the state has '" + printable(text, 100) + "' for " + what +
                ", which kongfleet did not write");
  }
  return text;
}

RolloutState state_named(const std::string& name) {
  for (const auto& [state, text] : state_names) {
    if (text == name) return state;
  }
  throw Error("a rollout's state '" + printable(name, 40) + "' is unknown here");
}

HostPhase known_phase(const std::string& name) {
  const auto phase = phase_named(name);
  if (!phase) throw Error("a host's phase '" + printable(name, 40) + "' is unknown here");
  return *phase;
}

RememberedRollout rollout_of(const soci::row& row) {
  RememberedRollout rollout;
  rollout.id = plain(row.get<std::string>("id"), "a rollout");
  rollout.kind = plain(row.get<std::string>("kind"), "the kind of a rollout");
  rollout.who = row.get<std::string>("who");
  rollout.started_ms = row.get<long long>("started_ms");
  rollout.ended_ms = row.get<long long>("ended_ms");
  rollout.selection = row.get<std::string>("selection");
  rollout.plan = row.get<std::string>("plan");
  rollout.state = state_named(row.get<std::string>("state"));
  rollout.stop = stop_named(row.get<std::string>("stop")).value_or(RolloutStop::No);
  rollout.why = row.get<std::string>("why");
  rollout.exit_code = row.get<int>("exit_code");
  return rollout;
}

std::optional<wire::Outcome> outcome_of(const std::string& bytes) {
  wire::Outcome outcome;
  if (bytes.empty() || !outcome.ParseFromString(bytes)) return std::nullopt;
  return outcome;
}

std::string bytes_of(const std::optional<wire::Outcome>& outcome) {
  return outcome ? outcome->SerializeAsString() : "";
}

// At most `limit` rollouts, the newest first: in the order they were written, whatever clocks said.
std::vector<RememberedRollout> select(soci::session& sql, const std::string& fleet,
                                      std::string_view which, std::size_t limit) {
  const soci::rowset<soci::row> rows =
      (sql.prepare << "SELECT " << columns << " FROM rollouts WHERE fleet = :fleet AND" << which
                   << "ORDER BY rowid DESC LIMIT " << limit,
       soci::use(fleet));
  std::vector<RememberedRollout> rollouts;
  for (const auto& row : rows) rollouts.push_back(rollout_of(row));
  return rollouts;
}

void read_releases(soci::session& sql, RememberedRollout& rollout) {
  const soci::rowset<soci::row> rows =
      (sql.prepare << "SELECT name, version, digest FROM rollout_releases WHERE rollout = :id"
                      " ORDER BY name",
       soci::use(rollout.id));
  for (const auto& row : rows) {
    rollout.releases.push_back({plain(row.get<std::string>(0), "a release"),
                                plain(row.get<std::string>(1), "a version"),
                                plain(row.get<std::string>(2), "a digest")});
  }
}

void count_hosts(soci::session& sql, RememberedRollout& rollout) {
  const soci::rowset<std::string> phases =
      (sql.prepare << "SELECT phase FROM hosts WHERE rollout = :id", soci::use(rollout.id));
  for (const auto& name : phases) {
    const auto phase = known_phase(name);
    ++rollout.hosts_all;
    if (is_failure(phase)) ++rollout.hosts_failed;
    if (phase == HostPhase::Done || phase == HostPhase::Unchanged) ++rollout.hosts_ok;
  }
}

void read_hosts(soci::session& sql, RememberedRollout& rollout, RolloutMemory::Evidence evidence) {
  const bool all = evidence == RolloutMemory::Evidence::With;
  const soci::rowset<soci::row> rows =
      (sql.prepare << "SELECT host, wave, attempt, phase, started_ms, ended_ms, cause, "
                   << (all ? "outcome, way_back" : "'' AS outcome, '' AS way_back")
                   << " FROM hosts WHERE rollout = :id ORDER BY position",
       soci::use(rollout.id));
  for (const auto& row : rows) {
    RememberedHost host;
    host.label = plain(row.get<std::string>(0), "a host");
    host.wave = static_cast<std::size_t>(std::max(row.get<int>(1), 0));
    host.attempt = static_cast<unsigned>(row.get<int>(2));
    host.phase = known_phase(row.get<std::string>(3));
    host.started_ms = row.get<long long>(4);
    host.ended_ms = row.get<long long>(5);
    host.cause = row.get<std::string>(6);
    host.outcome = outcome_of(bytes_of_text(sql, row.get<std::string>(7)));
    host.way_back = outcome_of(bytes_of_text(sql, row.get<std::string>(8)));
    rollout.hosts.push_back(std::move(host));
  }
}

std::string standing(const RememberedRollout& rollout) {
  if (rollout.state == RolloutState::Open) return "was left unfinished, its controller died";
  return "is " + std::string(state_name(rollout.state));
}

void refuse_open(soci::session& sql, const std::string& fleet) {
  const auto open = select(sql, fleet, not_over, 1);
  if (open.empty()) return;
  const auto& it = open.front();
  throw Declined(exit_code::held, it.id + " of " + it.who + ", begun on " +
                                      time_text(it.started_ms) + ", " + standing(it) + ": " +
                                      way_on(it) + ", " + way_back(it) + "; nothing was touched");
}

void insert_rollout(soci::session& sql, const std::string& fleet, const RememberedRollout& it) {
  const std::string state(state_name(it.state)), stop(stop_name(it.stop));
  sql << "INSERT INTO rollouts (id, fleet, kind, who, started_ms, ended_ms, selection, plan, state,"
         " stop, why, exit_code) VALUES (:id, :fleet, :kind, :who, :started, :ended, :selection,"
         " :plan, :state, :stop, :why, :code)",
      soci::use(it.id), soci::use(fleet), soci::use(it.kind), soci::use(it.who),
      soci::use(it.started_ms), soci::use(it.ended_ms), soci::use(it.selection), soci::use(it.plan),
      soci::use(state), soci::use(stop), soci::use(it.why), soci::use(it.exit_code);
}

void write_host(soci::session& sql, const std::string& rollout, std::size_t position,
                const RememberedHost& host) {
  const auto at = static_cast<long long>(position);
  const auto wave = static_cast<long long>(host.wave);
  const auto attempt = static_cast<int>(host.attempt);
  const std::string phase(phase_name(host.phase));
  const auto outcome = text_of_bytes(sql, bytes_of(host.outcome));
  const auto way_back = text_of_bytes(sql, bytes_of(host.way_back));
  sql << "INSERT INTO hosts (rollout, position, host, wave, attempt, phase, started_ms, ended_ms,"
         " cause, outcome, way_back) VALUES (:rollout, :at, :host, :wave, :attempt, :phase,"
         " :started, :ended, :cause, :outcome, :back) ON CONFLICT (rollout, position) DO UPDATE SET"
         " attempt = excluded.attempt, phase = excluded.phase, started_ms = excluded.started_ms,"
         " ended_ms = excluded.ended_ms, cause = excluded.cause, outcome = excluded.outcome,"
         " way_back = excluded.way_back",
      soci::use(rollout), soci::use(at), soci::use(host.label), soci::use(wave), soci::use(attempt),
      soci::use(phase), soci::use(host.started_ms), soci::use(host.ended_ms), soci::use(host.cause),
      soci::use(outcome), soci::use(way_back);
}

void write_news(soci::session& sql, const std::string& rollout, const RolloutNews& news) {
  for (const auto& [position, host] : news.hosts) write_host(sql, rollout, position, host);
  if (news.events.empty()) return;
  auto event = news.events.front();  // what the statement writes; to prepare it costs more
  soci::statement insert = (sql.prepare << "INSERT INTO events (rollout, at_ms, kind, host, text)"
                                           " VALUES (:rollout, :at, :kind, :host, :text)",
                            soci::use(rollout), soci::use(event.at_ms), soci::use(event.kind),
                            soci::use(event.host), soci::use(event.text));
  for (const auto& next : news.events) {
    event = next;
    insert.execute(true);
  }
}

void check_not_ousted(soci::session& sql, const RememberedRollout& it, const FleetHold* hold) {
  if (hold == nullptr) return;
  hold->check(sql);
  if (it.kind == "rollback") return;  // one is over as soon as it begins, for who comes after
  int open = 0;
  sql << "SELECT count(*) FROM rollouts WHERE id = :id AND" << not_over, soci::into(open),
      soci::use(it.id);
  if (open == 0) throw Ousted("somebody else has ended this " + it.kind);
}

void write_standing(soci::session& sql, const RememberedRollout& it) {
  const std::string state(state_name(it.state)), stop(stop_name(it.stop));
  sql << "UPDATE rollouts SET state = :state, stop = :stop, why = :why, exit_code = :code,"
         " ended_ms = :ended WHERE id = :id AND (kind = 'rollback' OR"
      << not_over << ")",
      soci::use(state), soci::use(stop), soci::use(it.why), soci::use(it.exit_code),
      soci::use(it.ended_ms), soci::use(it.id);
}

}  // namespace

std::string way_on(const RememberedRollout& rollout) {
  return "'kongfleet resume " + rollout.id + "' goes on with it";
}

std::string way_back(const RememberedRollout& rollout) {
  return "'kongfleet abort " + rollout.id + "' takes it back";
}

bool RememberedHost::came_back_unwell() const {
  return way_back && std::any_of(way_back->probes().begin(), way_back->probes().end(),
                                 [](const auto& probe) { return !probe.ok(); });
}

std::string_view state_name(RolloutState state) {
  for (const auto& [known, name] : state_names) {
    if (known == state) return name;
  }
  return "?";
}

bool is_over(RolloutState state) {
  return state == RolloutState::Ended || state == RolloutState::Aborted;
}

void RolloutMemory::begin(const RememberedRollout& rollout, const std::vector<Release>& releases,
                          bool alone, const FleetHold* hold) {
  database_.together([&](soci::session& sql) {
    if (hold != nullptr) hold->check(sql);
    if (alone) refuse_open(sql, fleet_);
    insert_rollout(sql, fleet_, rollout);
    ReleaseMemory(database_, fleet_).add(sql, releases, rollout.id);
    for (std::size_t i = 0; i < rollout.hosts.size(); ++i) {
      write_host(sql, rollout.id, i, rollout.hosts[i]);
    }
    write_news(sql, rollout.id, {{}, {{rollout.started_ms, "begin", "", rollout.selection}}});
  });
}

std::optional<RememberedRollout> RolloutMemory::open() {
  std::optional<RememberedRollout> found;
  database_.look([&](soci::session& sql) {
    auto all = select(sql, fleet_, not_over, 1);
    if (!all.empty()) found = std::move(all.front());
  });
  return found;
}

void RolloutMemory::check_none_open() {
  database_.look([&](soci::session& sql) { refuse_open(sql, fleet_); });
}

std::vector<RememberedRollout> RolloutMemory::list(std::size_t limit) {
  std::vector<RememberedRollout> rollouts;
  database_.look([&](soci::session& sql) {
    rollouts = select(sql, fleet_, " 1 = 1 ", limit);
    for (auto& rollout : rollouts) {
      read_releases(sql, rollout);
      count_hosts(sql, rollout);
    }
  });
  return rollouts;
}

RememberedRollout RolloutMemory::find(const std::string& id, Evidence evidence) {
  std::vector<RememberedRollout> found;
  std::string newest;
  database_.look([&](soci::session& sql) {
    const auto all = select(sql, fleet_, " 1 = 1 ", newest_named);
    for (const auto& rollout : all) newest += (newest.empty() ? "" : ", ") + rollout.id;
    const auto wanted = id == "latest" && !all.empty() ? all.front().id : id;
    const soci::rowset<soci::row> rows =
        (sql.prepare << "SELECT " << columns << " FROM rollouts WHERE fleet = :fleet AND id = :id",
         soci::use(fleet_), soci::use(wanted));
    for (const auto& row : rows) found.push_back(rollout_of(row));
    for (auto& rollout : found) {
      read_releases(sql, rollout);
      read_hosts(sql, rollout, evidence);
      count_hosts(sql, rollout);
    }
  });
  if (!found.empty()) return std::move(found.front());
  const auto rest = newest.empty() ? "none is remembered yet" : "the newest are " + newest;
  throw Declined(1, "there is no rollout '" + printable(id, 100) + "' of this fleet; " + rest);
}

std::vector<RememberedEvent> RolloutMemory::events(const std::string& id) {
  std::vector<RememberedEvent> events;
  database_.look([&](soci::session& sql) {
    const soci::rowset<soci::row> rows =
        (sql.prepare << "SELECT at_ms, kind, host, text FROM events WHERE rollout = :id"
                        " ORDER BY number",
         soci::use(id));
    for (const auto& row : rows) {
      events.push_back({row.get<long long>(0), plain(row.get<std::string>(1), "an event"),
                        plain(row.get<std::string>(2), "a host"), row.get<std::string>(3)});
    }
  });
  return events;
}

void RolloutMemory::check_ours(const RememberedRollout& rollout, const FleetHold& hold) {
  database_.look([&](soci::session& sql) { check_not_ousted(sql, rollout, &hold); });
}

void RolloutMemory::write(const RememberedRollout& rollout, const RolloutNews& news,
                          const FleetHold* hold) {
  database_.together([&](soci::session& sql) {
    check_not_ousted(sql, rollout, hold);
    write_standing(sql, rollout);
    write_news(sql, rollout.id, news);
  });
}

void RolloutMemory::end(const RememberedRollout& rollout, const RolloutNews& news,
                        const FleetHold* hold) {
  database_.together([&](soci::session& sql) {
    check_not_ousted(sql, rollout, hold);
    write_standing(sql, rollout);
    write_news(sql, rollout.id, news);
    ReleaseMemory(database_, fleet_).let_go(sql);
  });
}

}  // namespace kongfleet::controller
