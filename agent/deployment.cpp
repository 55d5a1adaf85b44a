// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/deployment.hpp"

#include "agent/log.hpp"
#include "agent/lua_error.hpp"
#include "agent/scratch_directory.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <ctime>
#include <thread>

namespace kongfleet::agent {

namespace {

constexpr auto way_back_least = std::chrono::minutes(5);
constexpr auto preflight_most = std::chrono::minutes(2);
constexpr auto second_look = std::chrono::seconds(2);
constexpr auto trial_try = std::chrono::seconds(5);  // for one look at one probe of a trial

const Finding* first_refusal(const std::vector<Finding>& findings) {
  for (const auto& finding : findings) {
    if (!finding.warning) return &finding;
  }
  return nullptr;
}

}  // namespace

Deployment::Deployment(TransactionParts parts, Order order, HostPlan plan)
    : parts_(parts),
      order_(std::move(order)),
      plan_(std::move(plan)),
      conf_(plan_.survey.facts.managed_path()),
      deadline_(Clock::now() + order_.deadline) {
  outcome_.transaction = order_.transaction;
}

Step Deployment::deploy(const Incoming* incoming, const ProgressSink& progress) {
  const LogSubject subject(order_.transaction, plan_.generation.number);
  incoming_ = incoming;
  progress_ = progress;
  const auto end = run(Step::Stage, Step::Trial);
  incoming_ = nullptr;
  return end;
}

Step Deployment::commit(const ProgressSink& progress) {
  const LogSubject subject(order_.transaction, plan_.generation.number);
  progress_ = progress;
  auto wrong = trouble();
  if (!wrong.empty()) {
    std::this_thread::sleep_for(second_look);  // what passes by itself must not decide
    wrong = trouble();
  }
  if (!wrong.empty()) return revert(wrong, fault_, progress);
  return run(Step::Commit, Step::Committed);
}

Step Deployment::revert(const std::string& cause, Fault fault, const ProgressSink& progress) {
  const LogSubject subject(order_.transaction, plan_.generation.number);
  condemned_ = fault == Fault::Generation;
  const auto end =
      WayBack(parts_, outcome_, progress, way_back_time()).run(Step::Trial, cause, Witness::Live);
  if (end == Step::RolledBack) look_for_others_fault();
  return end;
}

// Going back must not fail because going there was given little time.
std::chrono::milliseconds Deployment::way_back_time() const {
  return std::max<std::chrono::milliseconds>(order_.deadline, way_back_least);
}

Step Deployment::run(Step from, Step until) {
  auto step = from;
  while (!is_end(step) && step != until) {
    if (progress_) progress_(step, "");
    const auto began = Clock::now();
    const auto went = perform(step);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    const bool well = went == Went::Well;
    outcome_.steps.push_back({step, took, well, well ? "" : outcome_.cause});
    const auto following = next(step, went);
    if (step == Step::Verify && !well) condemned_ = !undecided_ && !is_stopping();
    if (following == Step::Restore) {
      const auto end = WayBack(parts_, outcome_, progress_, way_back_time())
                           .run(step, outcome_.cause, Witness::Live);
      if (end == Step::RolledBack) look_for_others_fault();
      return end;
    }
    step = following;
  }
  if (step == Step::Refused) refuse();
  return step == Step::Trial ? begin_trial() : step;
}

// Who may bring any code could have that read what the host serves to itself: he is told what came.
ProbeOutcome Deployment::ask(ProbeSpec probe, Clock::time_point deadline) {
  const bool may_know = parts_.config.signatures != "required";
  probe.own = probe.own || may_know;
  auto outcome = parts_.gateway.probe(probe, deadline);
  if (may_know && !outcome.came.empty()) outcome.detail += "; what came: " + outcome.came;
  return outcome;
}

ProbeOutcome Deployment::look_once(ProbeSpec probe) {
  probe.successes = 1;
  return ask(std::move(probe), Clock::now() + trial_try);
}

// A probe that nobody answers says nothing of the generation when nobody does without it either.
void Deployment::look_for_others_fault() {
  if (!condemned_ || !unanswered_) return;
  const auto seen = look_once(*unanswered_);
  if (seen.ok || !seen.unanswered) return;
  condemned_ = false;
  // In a trial it was another look: what the probe said when it was proven stands.
  if (!outcome_.probes.back().ok) outcome_.probes.back().inconclusive = true;
  outcome_.cause += "; nobody answers it without the release either, so that proves nothing";
}

Step Deployment::begin_trial() {
  try {
    remember(Step::Trial);
    outcome_.result = Result::Trial;
    return Step::Trial;
  } catch (const Error& error) {
    return revert(error.what(), Fault::Other, progress_);
  }
}

Went Deployment::perform(Step step) {
  try {
    if (step != Step::Commit) remember(step);
    switch (step) {
      case Step::Stage:
        stage();
        break;
      case Step::Preflight:
        preflight();
        break;
      case Step::Switch:
        switch_conf();
        break;
      case Step::Reload:
        reload();
        break;
      case Step::Verify:
        verify();
        break;
      case Step::Commit:
        commit_now();
        break;
      default:
        throw Error("no step of a deploy");
    }
    return Went::Well;
  } catch (const std::exception& error) {
    outcome_.cause = error.what();
    log_warning(std::string(step_name(step)) + ": " + outcome_.cause);
    return Went::Wrong;
  }
}

void Deployment::remember(Step step) {
  auto record = parts_.journal.record();
  if (!record.open || record.open->id != order_.transaction) {
    stranded_ = record.open;
    record.open = OpenRecord{.id = order_.transaction, .holder = order_.holder};
    record.open->to = plan_.generation.number;
    record.open->to_digest = generation_digest(plan_.releases).hex();
    record.open->since = std::time(nullptr);
    record.last_number = std::max(record.last_number, plan_.generation.number);
  }
  if (step == Step::Switch) {
    conf_.sync();  // a kong.conf that the journal doesn't know would count as edited since
    record.open->conf = conf_.path().string();
    record.open->kind = plan_.survey.facts.managed.kind;
    record.open->conf_old = sha256(plan_.survey.conf_text).hex();
    record.open->conf_new = sha256(plan_.next_conf).hex();
    record.open->conf_restore = sha256(plan_.restore_conf).hex();
  }
  record.open->step = step;
  parts_.journal.write(record);
}

void Deployment::stage() {
  if (parts_.host.adopt(parts_.journal.record(), plan_.survey)) {
    // What the baseline lists is not ours to take out again.
    auto back = parts_.host.edit_for(plan_.survey.conf_text, plan_.survey.facts,
                                     parts_.journal.record().committed, plan_.survey.releases);
    if (auto* edited = std::get_if<Edited>(&back)) plan_.restore_conf = std::move(edited->text);
  }
  if (plan_.existing) return;
  parts_.store.build(plan_.generation, plan_.releases, incoming_);
  built_ = true;
}

void Deployment::preflight() {
  outcome_.findings = parts_.gateway.overrides(plan_.survey.facts);
  auto by_probes = smoke_objections();
  outcome_.findings.insert(outcome_.findings.end(), by_probes.begin(), by_probes.end());
  // A way back that was confirmed here before needs no free disk; Kong's loading of it does.
  const bool known_and_full = plan_.returns && order_.disk_is_full;
  auto by_kong = known_and_full ? std::vector<Finding>() : load_by_kong();
  condemned_ = first_refusal(outcome_.findings) == nullptr && first_refusal(by_kong) != nullptr;
  outcome_.findings.insert(outcome_.findings.end(), by_kong.begin(), by_kong.end());
  const auto* refusal = first_refusal(outcome_.findings);
  if (refusal != nullptr) throw Error(sentence(*refusal));
}

// Who may order a rollout may not thereby have Kong run any plugin with any configuration: several
// of Kong's own take code. What a smoke test configures is one of the releases, which trust was
// asked about.
std::vector<Finding> Deployment::smoke_objections() {
  std::vector<Finding> found;
  for (const auto& probe : order_.probes) {
    if (probe.type != ProbeType::Smoke) continue;
    const bool ours =
        std::any_of(plan_.releases.begin(), plan_.releases.end(),
                    [&](const Manifest& release) { return release.name().text() == probe.plugin; });
    if (!ours) {
      found.push_back({"probe", "", "", 0,
                       "probe '" + probe.name + "': '" + probe.plugin +
                           "' is none of the plugins rolled out here",
                       "name one of those"});
      continue;
    }
    auto objections =
        parts_.gateway.smoke_objections(plan_.survey.facts, probe, Clock::now() + preflight_most);
    found.insert(found.end(), objections.begin(), objections.end());
  }
  return found;
}

std::vector<Finding> Deployment::load_by_kong() {
  // Beside our state, readable by us alone: kong.conf holds passwords.
  const ScratchDirectory scratch(parts_.config.state);
  const auto candidate = scratch.write("kong.conf", plan_.next_conf);
  const auto directory = plan_.generation.number == 0 ? std::filesystem::path()
                                                      : parts_.store.directory(plan_.generation);
  auto report = parts_.gateway.preflight(plan_.survey.facts, candidate, directory,
                                         Clock::now() + preflight_most);
  versions_ = std::move(report.versions);
  return report.findings;
}

void Deployment::switch_conf() {
  deadline_ = Clock::now() + order_.deadline;
  conf_.prepare(plan_.next_conf, plan_.restore_conf);
  if (!conf_.exchange(LiveFile::Which::New, sha256(plan_.survey.conf_text))) {
    throw Error("'" + conf_.path().string() +
                "' was edited after the plan was made; that edit stands. Plan again");
  }
  const auto problem = parts_.gateway.make_known(plan_.survey.facts.managed.kind, deadline_);
  if (!problem.empty()) throw Error(problem);
}

void Deployment::reload() {
  auto& kong = parts_.gateway;
  auto& facts = plan_.survey.facts;
  // Somebody may have been starting it when we looked, and it have read the kong.conf of before.
  if (plan_.returns && !reloads(facts)) facts = await_kong(kong, kong.inspect(), deadline_);
  away_ = plan_.returns && !reloads(facts);
  if (away_) return;  // it starts with what kong.conf says now
  before_ = kong.snapshot(facts);
  if (const auto problem = kong.reload(facts, deadline_); !problem.empty()) throw Error(problem);
}

Expectation Deployment::expectation() const {
  Expectation expected;
  expected.lua_package_path = plan_.next_path;
  expected.plugins = plan_.next_plugins;
  expected.versions = versions_;
  expected.deadline = deadline_;
  return expected;
}

void Deployment::verify() {
  if (away_) return;
  const auto verdict = parts_.gateway.verify(plan_.survey.facts, before_, expectation());
  outcome_.workers = verdict.workers;
  outcome_.error_log = verdict.error_log;
  if (!verdict.ok) throw Error(verdict.cause);
  probe_all();
}

std::vector<ProbeSpec> Deployment::all_probes() const {
  auto probes = parts_.config.probes;
  probes.insert(probes.end(), order_.probes.begin(), order_.probes.end());
  return probes;
}

// Kong's own words first, where the plugin failed in it: a probe sees only that it did.
std::string Deployment::why_it_fails(const ProbeOutcome& probe) {
  const auto said =
      "probe '" + probe.name + (probe.inconclusive ? "' is inconclusive: " : "': ") + probe.detail;
  if (plan_.generation.number == 0) return said;
  const auto log = parts_.gateway.still(plan_.survey.facts, before_, expectation()).error_log;
  const auto error = lua_error_of(log, plan_.generation.text(), plan_.releases);
  if (error.empty()) return said;
  outcome_.error_log = log;
  return error + "; " + said;
}

void Deployment::probe_all() {
  for (const auto& probe : all_probes()) {
    if (progress_) progress_(Step::Verify, "probe " + probe.name);
    outcome_.probes.push_back(probe.type == ProbeType::Smoke
                                  ? parts_.gateway.smoke(plan_.survey.facts, probe, deadline_)
                                  : ask(probe, deadline_));
    const auto& seen = outcome_.probes.back();
    undecided_ = seen.inconclusive;
    if (!seen.ok && seen.unanswered) unanswered_ = probe;
    if (!seen.ok && order_.probes_decide) throw Error(why_it_fails(seen));
  }
}

std::string Deployment::trouble() {
  try {
    fault_ = Fault::Other;
    unanswered_.reset();
    if (LiveFile(plan_.survey.facts.managed_path()).path() != conf_.path()) {
      return "'" + plan_.survey.facts.managed_path().string() + "' leads to another file now";
    }
    const auto edited = parts_.host.edit_for(conf_.read(), plan_.survey.facts,
                                             plan_.generation.number, plan_.releases);
    const auto* names_it = std::get_if<Edited>(&edited);
    if (names_it == nullptr || !names_it->lines.empty()) {
      return "'" + conf_.path().string() + "' was edited and names this generation no longer";
    }
    if (away_) return {};
    const bool same_master = parts_.gateway.snapshot(plan_.survey.facts).master == before_.master;
    if (same_master) fault_ = Fault::Generation;
    const auto verdict = parts_.gateway.still(plan_.survey.facts, before_, expectation());
    if (!verdict.ok && is_stopping()) fault_ = Fault::Other;
    if (!verdict.ok) return verdict.cause;
    if (!order_.probes_decide) return {};
    for (const auto& probe : all_probes()) {
      // It changes what every node of the database serves: once is enough.
      if (probe.type == ProbeType::Smoke) continue;
      const auto seen = look_once(probe);
      if (seen.ok) continue;
      if (seen.inconclusive) fault_ = Fault::Other;
      if (seen.unanswered) unanswered_ = probe;
      return why_it_fails(seen);
    }
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

// Whoever stops Kong makes no release bad. Asked where one looks bad; false where it isn't known.
bool Deployment::is_stopping() {
  try {
    return parts_.gateway.inspect().stopping;
  } catch (const std::exception& error) {
    log_info(std::string("whether Kong is being stopped: ") + error.what());
    return false;
  }
}

void Deployment::commit_now() {
  auto record = parts_.journal.record();
  const auto number = plan_.generation.number;
  const auto digest = number == 0 ? "" : generation_digest(plan_.releases).hex();
  if (plan_.returns) {
    record.go_back(number, digest);
  } else {
    record.advance(number, digest);
  }
  record.last_id = order_.transaction;
  record.last_end = step_name(Step::Committed);
  record.last_cause.clear();
  record.open.reset();
  parts_.trust.accept(plan_.accepted, std::time(nullptr));
  parts_.journal.write(record);  // from here on it is confirmed
  for (const auto& trusted : plan_.accepted) log_info(acceptance_text(trusted));
  outcome_.result = Result::Committed;
}

void Deployment::refuse() {
  outcome_.result = Result::Refused;
  auto record = parts_.journal.record();
  record.last_id = order_.transaction;
  record.last_end = step_name(Step::Refused);
  record.last_cause = outcome_.cause;
  record.open = stranded_;
  try {
    parts_.journal.write(record);
    if (built_) parts_.store.remove(plan_.generation);
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; it is tried again at the next start");
  }
}

}  // namespace kongfleet::agent
