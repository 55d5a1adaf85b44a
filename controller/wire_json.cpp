// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/wire_json.hpp"

#include "proto/names.hpp"

#include <boost/json.hpp>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

json::array findings_json(const google::protobuf::RepeatedPtrField<wire::Finding>& findings) {
  json::array array;
  for (const auto& finding : findings) {
    array.push_back(json::object{{"code", printable(finding.code())},
                                 {"plugin", printable(finding.plugin())},
                                 {"file", printable(finding.file())},
                                 {"line", finding.line()},
                                 {"text", printable(finding.text())},
                                 {"advice", printable(finding.advice())}});
  }
  return array;
}

json::value text_or_null(bool there, const std::string& text) {
  return there ? json::value(printable(text)) : json::value(nullptr);
}

}  // namespace

json::object host_state_json(const wire::HostState& state) {
  json::object object{{"state", printable(state.state())},
                      {"kong", printable(state.kong_version())},
                      {"role", printable(state.role())},
                      {"generation", state.generation()},
                      {"generation_digest", printable(state.generation_digest())},
                      {"kong_conf", printable(state.kong_conf())},
                      {"unit", printable(state.unit())},
                      {"draining", state.draining()}};
  auto& releases = object["releases"].emplace_array();
  for (const auto& release : state.releases()) {
    releases.push_back(json::object{{"name", printable(release.name())},
                                    {"version", printable(release.version())},
                                    {"digest", printable(release.digest())}});
  }
  auto& drift = object["drift"].emplace_array();
  for (const auto& line : state.drift()) drift.push_back(json::value(printable(line)));
  if (!state.advice().empty()) object["advice"] = printable(state.advice());
  if (state.has_open()) {
    object["open"] = json::object{
        {"id", printable(state.open().id())},          {"holder", printable(state.open().holder())},
        {"step", printable(state.open().step())},      {"age_s", state.open().age_s()},
        {"lease_left_s", state.open().lease_left_s()}, {"generation", state.open().generation()}};
  }
  auto& kept = object["generations"].emplace_array();
  for (const auto number : state.generations()) kept.push_back(json::value(number));
  return object;
}

json::object plan_json(const wire::Plan& plan) {
  json::object object{{"unchanged", plan.unchanged()},
                      {"generation", plan.generation()},
                      {"generation_digest", printable(plan.generation_digest())},
                      {"missing_files", plan.missing_size()},
                      {"missing_bytes", plan.missing_bytes()},
                      {"conf_path", printable(plan.conf_path())}};
  auto& moves = object["releases"].emplace_array();
  for (const auto& move : plan.releases()) {
    moves.push_back(json::object{{"name", printable(move.name())},
                                 {"from", text_or_null(!move.from().empty(), move.from())},
                                 {"to", text_or_null(!move.to().empty(), move.to())}});
  }
  auto& conf = object["conf"].emplace_array();
  for (const auto& line : plan.conf()) {
    conf.push_back(json::object{{"line", line.line()},
                                {"before", text_or_null(line.has_before(), line.before())},
                                {"after", text_or_null(line.has_after(), line.after())}});
  }
  object["refusals"] = findings_json(plan.refusals());
  object["warnings"] = findings_json(plan.warnings());
  if (!plan.poison().empty()) object["poison"] = printable(plan.poison());
  return object;
}

json::object outcome_json(const wire::Outcome& outcome) {
  json::object object{{"transaction", printable(outcome.transaction())},
                      {"cause", printable(outcome.cause())}};
  auto& steps = object["steps"].emplace_array();
  for (const auto& step : outcome.steps()) {
    steps.push_back(json::object{{"step", printable(step.step())},
                                 {"ms", step.ms()},
                                 {"ok", step.ok()},
                                 {"detail", printable(step.detail())}});
  }
  auto& probes = object["probes"].emplace_array();
  for (const auto& probe : outcome.probes()) {
    json::object one{{"name", printable(probe.name())},
                     {"ok", probe.ok()},
                     {"detail", printable(probe.detail())},
                     {"tries", probe.tries()},
                     {"ms", probe.ms()}};
    if (probe.inconclusive()) one["inconclusive"] = true;
    probes.push_back(std::move(one));
  }
  auto& workers = object["workers"].emplace_array();
  for (const auto& worker : outcome.workers()) {
    workers.push_back(json::object{{"pid", worker.pid()},
                                   {"start", worker.start()},
                                   {"state", printable(worker.state())},
                                   {"fresh", worker.fresh()}});
  }
  object["findings"] = findings_json(outcome.findings());
  if (!outcome.error_log().empty()) object["error_log"] = printable(outcome.error_log());
  return object;
}

}  // namespace kongfleet::controller
