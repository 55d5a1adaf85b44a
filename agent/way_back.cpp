// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/way_back.hpp"

#include "agent/log.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr auto edit_settles = std::chrono::seconds(1);
constexpr int edits_max =
    5;  // how often somebody may edit kong.conf under our hands before we give up
constexpr int tries_max = 4;  // how often a step of the way back is tried
constexpr auto pause_between_tries = std::chrono::milliseconds(700);
constexpr auto start_patience =
    std::chrono::seconds(10);  // a Kong that is being restarted is back by then
constexpr auto look_interval = std::chrono::milliseconds(100);

}  // namespace

bool reloads(const GatewayFacts& facts) { return facts.running && !facts.stopping; }

GatewayFacts await_kong(Gateway& gateway, GatewayFacts facts,
                        std::chrono::steady_clock::time_point deadline) {
  using Clock = std::chrono::steady_clock;
  auto patience = Clock::now() + start_patience;
  while (!reloads(facts) &&
         Clock::now() < (facts.starting ? deadline : std::min(deadline, patience))) {
    if (facts.running) patience = Clock::now() + start_patience;  // it drains
    if (!facts.running) gateway.make_way(facts);
    std::this_thread::sleep_for(look_interval);
    facts = gateway.inspect();
  }
  return facts;
}

WayBack::WayBack(TransactionParts parts, Outcome& outcome, const ProgressSink& progress,
                 std::chrono::milliseconds limit)
    : parts_(parts), outcome_(outcome), progress_(progress), deadline_(Clock::now() + limit) {}

bool WayBack::remember(Step step, const std::string& cause) {
  auto record = parts_.journal.record();
  record.open->step = step;
  if (record.open->cause.empty()) record.open->cause = cause;
  try {
    parts_.journal.write(record);
    return true;
  } catch (const Error& error) {
    if (parts_.journal.may_be_over()) {
      outcome_.cause = cause + "; and then: " + error.what();
      return false;
    }
    // The journal still names this transaction, in a step that leads here again: going on is what
    // is safe.
    log_warning(std::string(error.what()) + "; going back all the same");
    return true;
  }
}

Step WayBack::run(Step failed, const std::string& cause, Witness witness) {
  untouched_ = failed == Step::Switch && witness == Witness::Live;
  at_boot_ = witness == Witness::BeforeKong;
  if (parts_.ballast.scarce()) parts_.ballast.drop();
  auto step = Step::Restore;
  int tries = 0;
  std::string last_problem;
  while (!is_end(step)) {
    if (!remember(step, cause)) {
      // The disk may say that the transaction was confirmed: what it says and what kong.conf names
      // must not differ. It is tried again, and recovery goes by what the disk says.
      outcome_.result = Result::Stranded;
      log_warning(outcome_.cause);
      return Step::Stranded;
    }
    if (progress_) progress_(step, cause);
    const auto began = Clock::now();
    std::string detail;
    auto went = perform(step, detail);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    outcome_.steps.push_back({step, took, went == Went::Well, detail});
    const bool again = went == Went::Wrong && ++tries < tries_max && Clock::now() < deadline_;
    if (again) std::this_thread::sleep_for(pause_between_tries);
    step = !again ? next(step, went) : step == Step::Restore ? Step::Restore : Step::ReloadBack;
    if (went == Went::Wrong) last_problem = detail;
  }
  const auto failed_back = step == Step::Stranded ? "; going back failed: " + last_problem : "";
  finish(step, cause + failed_back + damage());
  return step;
}

Went WayBack::perform(Step step, std::string& detail) {
  try {
    if (step == Step::Restore) detail = restore();
    if (step == Step::Restore) make_known();
    if (step == Step::ReloadBack) detail = reload();
    if (step == Step::VerifyBack) detail = verify();
    return Went::Well;
  } catch (const std::exception& error) {
    detail = error.what();
    log_error("the way back: " + detail);
    return Went::Wrong;
  }
}

std::string WayBack::restore() {
  const auto open = *parts_.journal.record().open;
  if (open.conf.empty()) return "kong.conf was not reached yet";
  const LiveFile conf(open.conf);
  conf.mend();
  conf.sync();  // it may be there already, and not last: its agent died before that
  for (int attempt = 0; attempt < edits_max; ++attempt) {
    const auto text = conf.read();
    const auto now = sha256(text).hex();
    if (now == open.conf_old) return attempt == 0 ? "kong.conf is as it was" : "restored";
    const bool known = now == open.conf_new || now == open.conf_restore;
    if (known && bring_back_edit(conf, open, now)) continue;
    if (now == open.conf_restore) return "restored";
    if (now == open.conf_new && restore_exactly(conf, open, now)) continue;
    if (stays(conf, text) && restore_edited(conf, text)) {
      return "restored our part; kong.conf was edited meanwhile and keeps that edit";
    }
  }
  throw Error("restore '" + open.conf + "': it is being edited all the time");
}

// What an exchange took out, and is none of ours: the edit of somebody, whose agent died before it
// could see that. It becomes kong.conf again.
bool WayBack::bring_back_edit(const LiveFile& conf, const OpenRecord& open,
                              const std::string& now) const {
  static const auto nothing = sha256("");
  for (const auto which : {LiveFile::Which::New, LiveFile::Which::Restore}) {
    const auto out = conf.companion(which);
    if (!out || *out == nothing) continue;
    const auto hex = out->hex();
    if (hex == open.conf_old || hex == open.conf_new || hex == open.conf_restore) continue;
    conf.exchange(which, *Digest::parse(now));
    return true;
  }
  return false;
}

// Whatever was restored, and by whom, and when: systemd reads it anew before Kong starts or
// reloads.
void WayBack::make_known() {
  const auto& open = *parts_.journal.record().open;
  if (open.conf.empty()) return;
  const auto problem = parts_.gateway.make_known(open.kind, deadline_);
  if (!problem.empty()) throw Error(problem);
}

// Exchanges kong.conf with the companion that is due; false where there is none.
bool WayBack::restore_exactly(const LiveFile& conf, const OpenRecord& open,
                              const std::string& now) const {
  const auto restore = *Digest::parse(open.conf_restore);
  for (const auto which : {LiveFile::Which::Restore, LiveFile::Which::New}) {
    if (!conf.holds(which, restore)) continue;
    conf.exchange(which, *Digest::parse(now));
    return true;
  }
  return false;
}

// What is gone back to may have been changed on the disk since it was confirmed.
std::string WayBack::damage() const {
  const auto committed = parts_.journal.record().committed;
  const auto what = committed == 0 ? "" : parts_.store.damage(committed);
  if (what.empty()) return {};
  return "; generation " + std::to_string(committed) +
         ", which it goes back to, is not as it was confirmed: " + what;
}

// Who copies a file there truncates it first: an edit counts once it stays as it is.
bool WayBack::stays(const LiveFile& conf, const std::string& text) const {
  std::this_thread::sleep_for(edit_settles);
  return !text.empty() && conf.read() == text;
}

// Somebody edited kong.conf during the transaction (or removed what was prepared): their edit
// stays, our part goes back. False when they edit on.
bool WayBack::restore_edited(const LiveFile& conf, const std::string& text) const {
  const auto& record = parts_.journal.record();
  auto facts = parts_.gateway.inspect();
  facts.managed.path = record.open->conf;  // whatever decides by now: this is what was changed
  facts.managed.kind = record.open->kind;
  const auto edited = parts_.host.edit_for(text, facts, record.committed,
                                           parts_.host.releases_of(record.committed));
  if (const auto* problem = std::get_if<ConfProblem>(&edited)) {
    throw Error(conf.path().string() + ":" + std::to_string(problem->line) + ": " +
                problem->reason + "; it was edited during the transaction");
  }
  return conf.replace(std::get<Edited>(edited).text, sha256(text));
}

// At boot Kong doesn't run, and what is wrong with it is not ours to say: it starts afterwards.
// False then.
bool WayBack::look_at_boot() {
  try {
    facts_ = parts_.gateway.inspect();
  } catch (const std::exception& error) {
    log_info(std::string("nothing is known of Kong here: ") + error.what());
  }
  away_ = !facts_.running && !facts_.starting;
  return !away_;
}

std::string WayBack::reload() {
  if (untouched_) return "Kong was never asked to reload";
  if (at_boot_ && !look_at_boot()) return "Kong starts with what was restored";
  if (!at_boot_) facts_ = parts_.gateway.inspect();
  // It may be just restarting, and have read the kong.conf of before: only one that stays away
  // starts with ours. One that is being stopped reloads no more.
  facts_ = await_kong(parts_.gateway, std::move(facts_), deadline_);
  away_ = !reloads(facts_);
  if (facts_.stopping) return "Kong is being stopped; it starts with what was restored";
  if (away_) return "Kong is not running; it starts with what was restored";
  // A plugin that a smoke test left in use, and that is not there any more, would have Kong reject
  // what it goes back to.
  parts_.gateway.clear_smoke(facts_);
  before_ = parts_.gateway.snapshot(facts_);
  const auto problem = parts_.gateway.reload(facts_, deadline_);
  if (!problem.empty()) throw Error(problem);
  return {};
}

std::string WayBack::verify() {
  if (untouched_ || away_) return "nothing to verify";
  const auto& record = parts_.journal.record();
  const LiveFile conf(record.open->conf);
  const auto parsed = read_values(conf.read(), record.open->kind, dialect_of(facts_.version));
  const auto* values = std::get_if<KeyValues>(&parsed);
  if (values == nullptr)
    throw Error("'" + conf.path().string() +
                "' can't be read: " + std::get<ConfProblem>(parsed).reason);
  Expectation expected;
  expected.lua_package_path =
      values->lua_package_path.value_or(std::string(default_lua_package_path));
  expected.plugins = values->plugins.value_or(std::string(default_plugins));
  expected.deadline = deadline_;
  const auto verdict = parts_.gateway.verify(facts_, before_, expected);
  outcome_.workers = verdict.workers;
  if (!verdict.ok) throw Error(verdict.cause);
  return {};
}

void WayBack::finish(Step end, const std::string& cause) {
  auto record = parts_.journal.record();
  outcome_.result = end == Step::RolledBack ? Result::RolledBack : Result::Stranded;
  outcome_.cause = cause;
  record.last_id = record.open->id;
  record.last_end = step_name(end);
  record.last_cause = outcome_.cause;
  if (end == Step::RolledBack) {
    record.open.reset();
  } else {
    record.open->step = Step::Stranded;
  }
  try {
    parts_.journal.write(record);
  } catch (const Error& error) {
    // What is not on disk may not be told as done: it is gone through again.
    outcome_.result = Result::Stranded;
    outcome_.cause += "; and then: " + std::string(error.what());
    log_warning(outcome_.cause);
  }
}

}  // namespace kongfleet::agent
