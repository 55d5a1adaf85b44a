// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/wire.hpp"

#include "agent/http_client.hpp"
#include "agent/probe.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace kongfleet::agent {

namespace {

constexpr std::uint32_t probe_ms_max = 10 * 60 * 1000;
constexpr std::uint32_t successes_max = 1000;
constexpr std::size_t pattern_max = 1024;
constexpr std::size_t name_max = 100;
constexpr std::size_t config_max = std::size_t{64} << 10;  // a plugin's, as Kong is sent it
constexpr std::size_t reason_max = 500;
constexpr std::size_t check_text_max = 2000;
constexpr int checks_max = 200;       // more say nothing new
constexpr unsigned status_min = 100;  // of HTTP
constexpr unsigned status_max = 599;

std::uint32_t milliseconds32(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.count(), 0, UINT32_MAX));
}

void set(wire::OpenTransaction& to, const OpenState& open) {
  to.set_id(open.id);
  to.set_holder(open.holder);
  to.set_step(open.step);
  to.set_age_s(static_cast<std::uint32_t>(open.age.count()));
  to.set_lease_left_s(static_cast<std::uint32_t>(open.lease_left.count()));
  to.set_generation(open.generation);
}

void set(wire::Finding& to, const Finding& finding) {
  to.set_code(finding.code);
  to.set_plugin(finding.plugin);
  to.set_file(finding.file);
  to.set_line(finding.line);
  to.set_text(finding.text);
  to.set_advice(finding.advice);
}

wire::Outcome::Result to_wire(Result result) {
  switch (result) {
    case Result::Unknown:
      return wire::Outcome::UNKNOWN;
    case Result::Unchanged:
      return wire::Outcome::UNCHANGED;
    case Result::Refused:
      return wire::Outcome::REFUSED;
    case Result::Trial:
      return wire::Outcome::TRIAL;
    case Result::Committed:
      return wire::Outcome::COMMITTED;
    case Result::RolledBack:
      return wire::Outcome::ROLLED_BACK;
    case Result::Stranded:
      return wire::Outcome::STRANDED;
  }
  return wire::Outcome::UNKNOWN;
}

bool is_json_object(const std::string& text) {
  boost::json::error_code error;
  return text.empty() || (boost::json::parse(text, error).is_object() && !error);
}

ProbeType type_of(const std::string& name, const std::string& probe) {
  if (name == "http") return ProbeType::Http;
  if (name == "tcp") return ProbeType::Tcp;
  if (name == "smoke") return ProbeType::Smoke;
  throw Error("probe '" + probe + "': type '" + printable(name, name_max) +
              "' can't be ordered by a controller; commands belong into this host's agent.toml");
}

/// What of a probe can only ever fail; told before anything changes, not once the node serves what
/// is new. Empty: nothing.
std::string nonsense_in(const ProbeSpec& spec) {
  if (spec.type == ProbeType::Tcp)
    return HostPort::parse(spec.address) ? "" : "address '" + spec.address + "' is no HOST:PORT";
  if (spec.type == ProbeType::Smoke) {
    if (!PluginName::parse(spec.plugin)) return "'" + spec.plugin + "' is no plugin's name";
    if (!is_json_object(spec.config)) return "config is no JSON object";
  } else {
    const auto url = HttpUrl::parse(spec.url);
    if (const auto* why = std::get_if<std::string>(&url)) return "url '" + spec.url + "': " + *why;
  }
  if (spec.status < status_min || spec.status > status_max)
    return "status " + std::to_string(spec.status) + " is none of HTTP's";
  for (const auto& [name, pattern] : spec.header)
    if (const auto why = why_bad_pattern(pattern); !why.empty())
      return "header " + name + ": pattern '" + pattern + "': " + why;
  const auto why = why_bad_pattern(spec.body);
  return why.empty() ? "" : "body: pattern '" + spec.body + "': " + why;
}

wire::Check::Verdict to_wire(CheckVerdict verdict) {
  switch (verdict) {
    case CheckVerdict::Right:
      return wire::Check::RIGHT;
    case CheckVerdict::Warning:
      return wire::Check::WARNING;
    case CheckVerdict::Wrong:
      return wire::Check::WRONG;
  }
  return wire::Check::UNKNOWN;
}

wire::Check::Remedy to_wire(RemedyKind kind) {
  switch (kind) {
    case RemedyKind::None:
      return wire::Check::NONE;
    case RemedyKind::Edit:
      return wire::Check::EDIT;
    case RemedyKind::Host:
      return wire::Check::HOST;
    case RemedyKind::Controller:
      return wire::Check::CONTROLLER;
  }
  return wire::Check::NONE;
}

}  // namespace

wire::HostState to_wire(const HostState& state) {
  wire::HostState to;
  to.set_kong_version(state.kong_version);
  to.set_role(state.role);
  to.set_generation(state.generation);
  to.set_generation_digest(state.generation_digest);
  for (const auto& release : state.releases) {
    auto& id = *to.add_releases();
    id.set_name(release.name);
    id.set_version(release.version);
    id.set_digest(release.digest);
  }
  for (const auto& line : state.drift) to.add_drift(line);
  if (state.open) set(*to.mutable_open(), *state.open);
  to.set_state(state.state);
  to.set_advice(state.advice);
  to.set_kong_conf(state.kong_conf);
  to.set_unit(state.unit);
  for (const auto number : state.generations) to.add_generations(number);
  to.set_draining(static_cast<std::uint32_t>(state.draining));
  if (state.before) to.set_before(*state.before);
  return to;
}

wire::Plan to_wire(const HostPlan& plan) {
  wire::Plan to;
  to.set_id(plan.id);
  to.set_unchanged(plan.unchanged);
  for (const auto& file : plan.missing) to.add_missing(file.digest.hex());
  to.set_missing_bytes(plan.missing_bytes);
  for (const auto& line : plan.conf) {
    auto& diff = *to.add_conf();
    diff.set_line(static_cast<std::uint32_t>(line.line));
    if (line.before) diff.set_before(*line.before);
    diff.set_after(line.after);
  }
  to.set_conf_path(plan.conf_path);
  for (const auto& move : plan.moves) {
    auto& change = *to.add_releases();
    change.set_name(move.name);
    change.set_from(move.from);
    change.set_to(move.to);
  }
  for (const auto& finding : plan.refusals) set(*to.add_refusals(), finding);
  for (const auto& finding : plan.warnings) set(*to.add_warnings(), finding);
  to.set_generation_digest(generation_digest(plan.releases).hex());
  to.set_generation(plan.generation.number);
  to.set_poison(plan.poison);
  return to;
}

wire::Outcome to_wire(const Outcome& outcome, const HostState& host) {
  wire::Outcome to;
  to.set_transaction(outcome.transaction);
  to.set_result(to_wire(outcome.result));
  to.set_cause(outcome.cause);
  for (const auto& step : outcome.steps) {
    auto& record = *to.add_steps();
    record.set_step(std::string(step_name(step.step)));
    record.set_ms(milliseconds32(step.took));
    record.set_ok(step.ok);
    record.set_detail(step.detail);
  }
  for (const auto& finding : outcome.findings) set(*to.add_findings(), finding);
  for (const auto& probe : outcome.probes) {
    auto& result = *to.add_probes();
    result.set_name(probe.name);
    result.set_ok(probe.ok);
    result.set_detail(probe.detail);
    result.set_tries(probe.tries);
    result.set_ms(milliseconds32(probe.took));
    result.set_inconclusive(probe.inconclusive);
  }
  to.set_error_log(outcome.error_log);
  for (const auto& row : outcome.workers) {
    auto& worker = *to.add_workers();
    worker.set_pid(row.process.pid);
    worker.set_start(row.process.start);
    worker.set_state(row.state);
    worker.set_fresh(row.fresh);
  }
  *to.mutable_host() = to_wire(host);
  to.set_lease_left_ms(milliseconds32(outcome.lease_left));
  return to;
}

wire::Refused to_wire(const Refusal& refusal) {
  wire::Refused to;
  to.set_code(refusal.code);
  to.set_text(refusal.text);
  if (refusal.holder) set(*to.mutable_holder(), *refusal.holder);
  return to;
}

ProbeSpec from_wire(const wire::Probe& probe) {
  ProbeSpec spec;
  spec.name = printable(probe.name(), name_max);
  if (probe.url().size() > pattern_max || probe.address().size() > pattern_max) {
    throw Error("probe '" + spec.name + "': its address is too long");
  }
  spec.type = type_of(probe.type(), spec.name);
  if (probe.interval_ms() > probe_ms_max || probe.timeout_ms() > probe_ms_max ||
      probe.successes() > successes_max || probe.header_size() > probe_headers_max ||
      probe.body().size() > pattern_max || probe.config().size() > config_max) {
    throw Error("probe '" + spec.name + "': a number or pattern is out of range");
  }
  spec.url = probe.url();
  if (probe.status() != 0) spec.status = probe.status();
  for (const auto& rule : probe.header()) {
    if (rule.name().size() > name_max)
      throw Error("probe '" + spec.name + "': a header's name is too long");
    if (rule.pattern().size() > pattern_max)
      throw Error("probe '" + spec.name + "': a pattern is too long");
    spec.header.emplace_back(rule.name(), rule.pattern());
  }
  spec.body = probe.body();
  spec.address = probe.address();
  spec.plugin = probe.plugin();
  spec.config = probe.config();
  spec.introduce = probe.introduce();
  if (probe.interval_ms() != 0) spec.interval = std::chrono::milliseconds(probe.interval_ms());
  if (probe.timeout_ms() != 0) spec.timeout = std::chrono::milliseconds(probe.timeout_ms());
  if (probe.successes() != 0) spec.successes = probe.successes();
  if (const auto why = nonsense_in(spec); !why.empty())
    throw Error("probe '" + spec.name + "': " + printable(why, reason_max));
  return spec;
}

wire::Checkup to_wire(const std::vector<Check>& checks) {
  wire::Checkup checkup;
  for (const auto& check : checks) {
    if (checkup.checks_size() >= checks_max) break;
    auto& one = *checkup.add_checks();
    one.set_name(check.name);
    one.set_verdict(to_wire(check.verdict));
    one.set_text(printable(check.text, check_text_max));
    one.set_why(check.why);
    one.set_remedy(printable(check.remedy.text, check_text_max));
    one.set_remedy_kind(to_wire(check.remedy.kind));
  }
  return checkup;
}

}  // namespace kongfleet::agent
