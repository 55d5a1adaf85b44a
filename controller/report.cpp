// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/report.hpp"

#include "controller/answer.hpp"
#include "controller/html.hpp"
#include "controller/moment.hpp"
#include "controller/report_chart.hpp"
#include "controller/rollout_picture.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr const char* style = R"css(<style>
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024; --faint: #5d6570; --line: #dfe3e8;
  --band: #f4f6f8; --good: #1a7f4b; --bad: #c4273b; --busy: #a86500; --idle: #69717a; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e4e7ea; --faint: #9aa3ad; --line: #2d333a; --band: #1b1f24;
    --good: #4cc38a; --bad: #ff6b7a; --busy: #f0a840; --idle: #7d8690; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 64rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
p { margin: .2rem 0; } .faint { color: var(--faint); }
.good { color: var(--good); fill: var(--good); } .bad { color: var(--bad); fill: var(--bad); }
.busy { color: var(--busy); fill: var(--busy); } .idle { color: var(--idle); fill: var(--idle); }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: .4rem .8rem; min-width: 6rem; }
.tile b { display: block; font-size: 1.4rem; }
.wide { overflow-x: auto; } svg { width: 100%; min-width: 36rem; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--faint); }
.band { fill: var(--band); } .odd { fill: var(--paper); } .grid { stroke: var(--line); }
pre { background: var(--band); border: 1px solid var(--line); border-radius: 6px; padding: .6rem;
  overflow-x: auto; font: 12px/1.5 ui-monospace, monospace; white-space: pre; margin: .4rem 0; }
.failure { border-left: 3px solid var(--bad); padding-left: .8rem; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { color: var(--faint); font-weight: 500; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; } details p { margin-left: 1rem; }
.bar { display: inline-block; height: .6rem; background: var(--idle); border-radius: 2px; }
</style>
)css";

std::string_view class_of(const RememberedHost& host) {
  return host.came_back_unwell() ? "bad" : phase_class(host.phase);
}

bool has_failed(const RememberedHost& host) { return class_of(host) == "bad"; }

std::string ms_text(std::int64_t ms) {
  return ms < 10'000 ? std::to_string(ms) + " ms" : clock_text(std::chrono::milliseconds(ms));
}

std::string duration_text(const RememberedHost& host) {
  if (host.started_ms == 0 || host.ended_ms < host.started_ms) return "";
  return ms_text(host.took_ms());
}

void add_tile(Html& html, std::size_t count, const std::string& name, const char* kind) {
  html.open("div", {{"class", "tile"}});
  html.leaf("b", std::to_string(count), {{"class", count > 0 ? kind : "idle"}});
  html.text(name).close();
}

void add_head(Html& html, const RememberedRollout& rollout, const std::string& result) {
  html.leaf("h1", rollout.id);
  const bool well = rollout.ended_ms != 0 && rollout.exit_code == 0;
  html.open("p").leaf("strong", result, {{"class", well ? "good" : "bad"}});
  if (!rollout.why.empty()) html.text(" " + rollout.why);
  html.close();
  for (const auto& release : rollout.releases)
    html.open("p")
        .leaf("b", release.name + "@" + release.version)
        .leaf("span", " " + release.digest.substr(0, 16), {{"class", "faint"}})
        .close();
  auto when = rollout.kind + " of " + rollout.who + ", " + time_text(rollout.started_ms);
  if (rollout.ended_ms != 0) when += ", took " + ms_text(rollout.took_ms());
  if (!rollout.selection.empty()) when += ", hosts: " + rollout.selection;
  html.leaf("p", when, {{"class", "faint"}});
}

void add_tiles(Html& html, const RememberedRollout& rollout) {
  const auto count = [&](std::string_view kind) {
    return static_cast<std::size_t>(
        std::count_if(rollout.hosts.begin(), rollout.hosts.end(),
                      [&](const auto& host) { return class_of(host) == kind; }));
  };
  html.open("div", {{"class", "tiles"}});
  add_tile(html, rollout.hosts.size(), "hosts", "");
  add_tile(html, count("good"), "well", "good");
  add_tile(html, count("bad"), "failed", "bad");
  add_tile(html, count("busy"), "not decided", "busy");
  add_tile(html, count("idle"), "never touched", "idle");
  html.close();
}

void add_steps(Html& html, const wire::Outcome& outcome) {
  std::uint32_t most = 1;
  for (const auto& step : outcome.steps()) most = std::max(most, step.ms());
  html.open("div", {{"class", "wide"}}).open("table");
  for (const auto& step : outcome.steps()) {
    html.open("tr").leaf("td", step.step(), {{"class", step.ok() ? "" : "bad"}});
    html.leaf("td", ms_text(step.ms()), {{"class", "number"}});
    html.open("td").empty(
        "span", {{"class", "bar"},
                 {"style", "width:" + std::to_string(1 + 120 * step.ms() / most) + "px"}});
    html.close();
    html.leaf("td", step.detail()).close();
  }
  html.close().close();
}

void add_probes(Html& html, const wire::Outcome& outcome) {
  for (const auto& probe : outcome.probes()) {
    html.open("p").leaf("b", "probe " + probe.name());
    const auto* verdict = probe.ok()             ? " ok "
                          : probe.inconclusive() ? " inconclusive "
                                                 : " failed ";
    html.leaf("span", verdict, {{"class", probe.ok() ? "good" : "bad"}});
    html.text(probe.detail()).close();
  }
}

void add_evidence(Html& html, const wire::Outcome& outcome) {
  for (const auto& finding : outcome.findings())
    html.leaf("p", finding.text() + (finding.advice().empty() ? "" : "; " + finding.advice()));
  add_probes(html, outcome);
  if (!outcome.error_log().empty()) {
    html.open("details").leaf("summary", "Kong's error log meanwhile");
    html.leaf("pre", outcome.error_log()).close();
  }
  add_steps(html, outcome);
}

std::string cause_of(const RememberedHost& host) {
  if (!host.cause.empty()) return host.cause;
  for (const auto& outcome : {host.way_back, host.outcome})
    if (outcome && !outcome->cause().empty()) return outcome->cause();
  return host.came_back_unwell() ? "it is back, and a probe is not content there"
                                 : "no cause is known";
}

void add_failure(Html& html, const RememberedHost& host) {
  html.open("div", {{"class", "failure"}});
  html.open("p")
      .leaf("b", host.label)
      .leaf("span", " " + std::string(phase_name(host.phase)), {{"class", "bad"}});
  html.leaf("span", " wave " + std::to_string(host.wave + 1), {{"class", "faint"}}).close();
  html.leaf("pre", cause_of(host));
  if (host.outcome) add_evidence(html, *host.outcome);
  if (host.way_back) {
    html.leaf("p", "The way back:");
    add_evidence(html, *host.way_back);
  }
  html.close();
}

void add_failures(Html& html, const RememberedRollout& rollout) {
  const auto failed = std::count_if(rollout.hosts.begin(), rollout.hosts.end(), has_failed);
  if (failed == 0) return;
  html.leaf("h2", "What failed");
  for (const auto& host : rollout.hosts)
    if (has_failed(host)) add_failure(html, host);
}

void add_step_details(Html& html, const std::optional<wire::Outcome>& outcome,
                      const std::string& of) {
  if (!outcome || outcome->steps_size() == 0) return;
  const auto steps = static_cast<std::uint64_t>(outcome->steps_size());
  html.open("details").leaf("summary", counted(steps, "step") + of);
  add_steps(html, *outcome);
  html.close();
}

void add_hosts(Html& html, const RememberedRollout& rollout) {
  html.leaf("h2", "Every host").open("div", {{"class", "wide"}}).open("table").open("tr");
  for (const auto* name : {"host", "wave", "ended as", "took", "steps"}) html.leaf("th", name);
  html.close();
  for (const auto& host : rollout.hosts) {
    html.open("tr").leaf("td", host.label).leaf("td", std::to_string(host.wave + 1));
    html.leaf("td", phase_name(host.phase), {{"class", std::string(class_of(host))}});
    html.leaf("td", duration_text(host), {{"class", "number"}}).open("td");
    add_step_details(html, host.outcome, "");
    add_step_details(html, host.way_back, " of the way back");
    html.close().close();
  }
  html.close().close();
}

void add_events(Html& html, const std::vector<RememberedEvent>& events) {
  if (events.empty()) return;
  html.leaf("h2", "What happened when").open("details");
  html.leaf("summary", counted(events.size(), "event"));
  std::string lines;
  for (const auto& event : events) {
    lines += time_text(event.at_ms) + "  " + event.kind;
    if (!event.host.empty()) lines += "  " + event.host;
    lines += (event.text.empty() ? "" : "  " + event.text) + "\n";
  }
  html.leaf("pre", lines).close();
}

}  // namespace

std::string report_page(const RememberedRollout& rollout,
                        const std::vector<RememberedEvent>& events, const std::string& result) {
  Html html;
  html.raw("<!DOCTYPE html>\n").open("html", {{"lang", "en"}}).open("head");
  html.empty("meta", {{"charset", "utf-8"}});
  html.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  // Should anything from a host get through as markup all the same, it has no power.
  html.empty("meta", {{"http-equiv", "Content-Security-Policy"},
                      {"content", "default-src 'none'; style-src 'unsafe-inline'"}});
  html.leaf("title", "kongfleet: " + rollout.id).raw(style).close();
  html.open("body");
  add_head(html, rollout, result);
  add_tiles(html, rollout);
  if (std::any_of(rollout.hosts.begin(), rollout.hosts.end(),
                  [](const auto& host) { return host.is_begun(); }))
    html.leaf("h2", "Waves over time");
  add_chart(html, rollout);
  add_failures(html, rollout);
  add_hosts(html, rollout);
  add_events(html, events);
  return html.done();
}

}  // namespace kongfleet::controller
