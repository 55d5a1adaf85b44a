// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/answer.hpp"
#include "controller/history_view.hpp"
#include "controller/moment.hpp"
#include "controller/wire_json.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

json::value time_or_null(std::int64_t ms) {
  return ms == 0 ? json::value(nullptr) : json::value(utc_text(ms));
}

json::value outcome_or_null(const std::optional<wire::Outcome>& outcome) {
  return outcome ? json::value(outcome_json(*outcome)) : json::value(nullptr);
}

json::object host_json(const RememberedHost& host) {
  json::object object{{"host", host.label},
                      {"wave", host.wave + 1},
                      {"attempt", host.attempt},
                      {"phase", phase_name(host.phase)},
                      {"started", time_or_null(host.is_begun() ? host.started_ms : 0)},
                      {"ended", time_or_null(host.ended_ms)},
                      {"cause", printable(host.cause)},
                      {"outcome", outcome_or_null(host.outcome)},
                      {"way_back", outcome_or_null(host.way_back)}};
  const bool timed = host.started_ms != 0 && host.ended_ms != 0;
  object["ms"] = timed ? json::value(host.took_ms()) : json::value(nullptr);
  return object;
}

json::object document(std::string_view command) {
  return {{"schema", json_schema}, {"command", command}};
}

}  // namespace

json::object rollout_json(const RememberedRollout& rollout, const std::string& running) {
  json::object object{{"id", rollout.id},
                      {"kind", rollout.kind},
                      {"who", printable(rollout.who)},
                      {"started", utc_text(rollout.started_ms)},
                      {"ended", time_or_null(rollout.ended_ms)},
                      {"selection", printable(rollout.selection)},
                      {"state", state_name(rollout.state)},
                      {"result", result_text(rollout, running)},
                      {"why", printable(rollout.why)}};
  object["exit"] = rollout.ended_ms == 0 ? json::value(nullptr) : json::value(rollout.exit_code);
  auto& releases = object["releases"].emplace_array();
  for (const auto& release : rollout.releases) {
    releases.push_back(json::object{
        {"name", release.name}, {"version", release.version}, {"digest", release.digest}});
  }
  object["hosts"] = json::object{
      {"all", rollout.hosts_all}, {"ok", rollout.hosts_ok}, {"failed", rollout.hosts_failed}};
  return object;
}

void print_history_json(std::ostream& out, const std::vector<RememberedRollout>& rollouts,
                        const std::string& running) {
  auto object = document("history");
  auto& array = object["rollouts"].emplace_array();
  for (const auto& rollout : rollouts) array.push_back(rollout_json(rollout, running));
  out << json::serialize(object) << "\n";
}

void print_rollout_json(std::ostream& out, const RememberedRollout& rollout,
                        const std::vector<RememberedEvent>& events, const std::string& running) {
  auto object = document("show");
  object["rollout"] = rollout_json(rollout, running);
  auto& hosts = object["hosts"].emplace_array();
  for (const auto& host : rollout.hosts) hosts.push_back(host_json(host));
  auto& told = object["events"].emplace_array();
  for (const auto& event : events) {
    told.push_back(json::object{{"at", utc_text(event.at_ms)},
                                {"kind", event.kind},
                                {"host", event.host},
                                {"text", printable(event.text)}});
  }
  out << json::serialize(object) << "\n";
}

}  // namespace kongfleet::controller
