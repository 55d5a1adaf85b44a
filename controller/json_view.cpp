// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/json_view.hpp"

#include "controller/answer.hpp"
#include "controller/wire_json.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

json::object event(std::string_view name) { return {{"schema", json_schema}, {"event", name}}; }

void print(std::ostream& out, const json::object& object) {
  out << json::serialize(object) << "\n" << std::flush;
}

json::object host_json(const HostRun& host, HostPhase phase) {
  json::object object{{"host", host.label()}, {"phase", phase_name(phase)}};
  if (!host.problem.empty()) object["problem"] = host.problem;
  if (host.outcome) object["outcome"] = outcome_json(*host.outcome);
  const bool known =
      phase != HostPhase::Lost && phase != HostPhase::Unreachable && host.trouble == Trouble::None;
  if (known) {
    object["state"] = host_state_json(host.state);
  } else {
    object["state"] = nullptr;  // what it said before is not what it is
  }
  return object;
}

}  // namespace

void JsonView::wave(std::size_t number, std::size_t of, std::size_t hosts) {
  auto object = event("wave");
  object["wave"] = number + 1;
  object["of"] = of;
  object["hosts"] = hosts;
  print(out_, object);
}

void JsonView::baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) {
  auto object = event("baking");
  object["wave"] = number + 1;
  object["of"] = of;
  object["ms"] = time.count();
  print(out_, object);
}

void JsonView::step(const HostRun& host, const wire::Progress& progress) {
  auto object = event("step");
  object["host"] = host.label();
  object["step"] = printable(progress.step());
  object["text"] = printable(progress.text());
  object["at_ms"] = progress.at_ms();
  print(out_, object);
}

void JsonView::phase(const HostRun& host, HostPhase phase) {
  auto object = event("host");
  for (auto& member : host_json(host, phase)) object[member.key()] = std::move(member.value());
  print(out_, object);
}

void JsonView::stopping(const std::string& why) {
  auto object = event("stopping");
  object["why"] = why;
  print(out_, object);
}

void JsonView::ends(const RememberedRollout& other, const std::string& text) {
  auto object = event("aborts");
  object["rollout"] = other.id;
  object["state"] = state_name(other.state);
  object["text"] = printable(text);
  print(out_, object);
}

void print_end_json(std::ostream& out, const RunEnd& end) {
  auto object = event("end");
  object["id"] = end.id;
  object["exit"] = end.exit_code;
  object["state"] = state_name(end.state);
  if (!end.taken_over.empty()) object["taken_over"] = end.taken_over;
  auto& hosts = object["hosts"].emplace_array();
  for (const auto& [host, phase] : end.hosts) hosts.push_back(host_json(*host, phase));
  const bool syncs = end.kind == "sync";
  if (syncs) {
    auto& others = object["left_alone"].emplace_array();
    for (const auto& [host, phase] : end.left_alone) others.push_back(host_json(*host, phase));
    auto& poisoned = object["poisoned"].emplace_array();
    for (const auto* host : end.poisoned) {
      poisoned.push_back(
          json::object{{"host", host->label()}, {"why", printable(host->plan->poison())}});
    }
  }
  print(out, object);
}

}  // namespace kongfleet::controller
