// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/truth.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kongfleet::simulation {

namespace {

// A controller asks those in trial every ten seconds, see renewal_interval().
constexpr auto told_within = std::chrono::seconds(15);

bool is_bad(HostPhase phase) {
  return phase == HostPhase::Lost || phase == HostPhase::Stranded ||
         phase == HostPhase::Unreachable;
}

}  // namespace

Truth::Facts& Truth::facts(std::size_t host) {
  if (facts_.size() < hosts_.size()) facts_.resize(hosts_.size());
  return facts_[host];
}

void Truth::rollout(const std::string& id, Rules rules, const std::string& target) {
  id_ = id;
  rules_ = std::move(rules);
  target_ = target;
  stopping_ = contested_ = false;
  order_.resize(hosts_.size());
  std::iota(order_.begin(), order_.end(), 0);
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const bool harmed_before = facts(i).harmed;
    facts(i) = {};
    facts(i).harmed = harmed_before;
    facts(i).before = hosts_[i]->committed();
  }
}

void Truth::taken_up() {
  stopping_ = false;
  for (auto& facts : facts_) {
    facts.shown.reset();
    facts.has_place = false;
  }
}

void Truth::syncs_in_order(const std::vector<std::size_t>& hosts) {
  order_ = hosts;
  for (const auto host : hosts) {
    facts(host).poisoned = hosts_[host]->is_poisoned(target_) && !runs_target(host);
  }
}

void Truth::skipped(std::size_t host) {
  facts(host).skipped = true;
  if (!facts(host).poisoned && !contested_) broken(host, "poison: nothing failed there");
}

void Truth::rolls_back(const std::string& id, const std::string& of) {
  rollbacks_[id] = {of, std::vector<bool>(hosts_.size())};
}

void Truth::shown_by_rollback(const std::string& id, std::size_t host, HostPhase phase) {
  const auto& rollback = rollbacks_.at(id);
  if (false_claims(host)) return;
  if (phase == HostPhase::Done && !rollback.back[host])
    broken(host, "report: a rollback calls it done, and it did not go back");
  const bool left_there = phase == HostPhase::Unchanged && is_alone(rollback) &&
                          facts_[host].was_confirmed && runs_target(host);
  if (left_there) broken(host, "report: a rollback calls it unchanged, and it runs the release");
}

Truth::Rollback* Truth::rollback_of(const std::string& transaction) {
  const auto found = rollbacks_.find(transaction.substr(0, transaction.find('/')));
  return found == rollbacks_.end() ? nullptr : &found->second;
}

// Of one rollout, and no other rollback is about.
bool Truth::is_alone(const Rollback& rollback) const {
  return !rollback.of.empty() && rollbacks_.size() == 1;
}

void Truth::harmed_all() {
  living_ = false;
  for (auto& facts : facts_) facts.harmed = facts.harmed_since = true;
}

void Truth::broken(std::size_t host, const std::string& what) {
  world_.violated("host " + std::to_string(host) + ": " + what);
}

bool Truth::is_ours(const std::string& transaction) const {
  return !id_.empty() && transaction.starts_with(id_ + "/");
}

std::size_t Truth::wave_of(std::size_t host) const {
  std::size_t wave = 0;
  const auto at = std::find(order_.begin(), order_.end(), host) - order_.begin();
  while (static_cast<std::size_t>(at) >= rules_.wave_ends[wave]) ++wave;
  return wave;
}

bool Truth::runs_target(std::size_t host) const {
  return hosts_[host]->committed().digest == target_;
}

bool Truth::false_claims(std::size_t host) const {
  return hosts_[host]->temper.lie == Lie::FalseClaim;
}

bool Truth::shown_failed(std::size_t host) const {
  const auto& shown = facts_[host].shown;
  return shown && controller::is_failure(*shown);
}

std::size_t Truth::known_failures() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    const auto& failed = facts_[i].failed;
    const bool told = failed && !facts_[i].harmed && world_.now() - *failed > told_within;
    if (told || (shown_failed(i) && !facts_[i].forgiven)) ++count;
  }
  return count;
}

void Truth::begins(std::size_t host, const std::string& transaction, bool way_back) {
  const auto* rollback = rollback_of(transaction);
  const bool there = (facts(host).was_confirmed && runs_target(host)) || false_claims(host);
  if (rollback && is_alone(*rollback) && !there)
    broken(host, "rollback: it does not run what is to be taken back");
  if (!is_ours(transaction)) return;
  auto& its = facts(host);
  if (!way_back) its.ran = hosts_[host]->committed();
  (way_back ? its.going_back : its.changing) = true;
  its.begun = true;
  its.begun_under = in_charge;
  if (way_back) return;
  its.harmed_since = !is_in_hand(host);
  its.failed.reset();
  its.was_in_trial = false;
}

// What must hold when a host is told to begin.
void Truth::may_begin(std::size_t host) {
  auto& its = facts(host);
  const bool again = std::exchange(its.has_place, true);
  if (its.poisoned) broken(host, "poison: a sync tries again what failed there");
  std::size_t unavailable = 1;
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    const bool bad = facts_[i].shown && is_bad(*facts_[i].shown);
    if (i != host && (facts_[i].changing || facts_[i].going_back || bad)) ++unavailable;
  }
  if (unavailable > rules_.max_unavailable && !again) {
    broken(host, "budget: it is to begin as number " + std::to_string(unavailable) +
                     " of at most " + std::to_string(rules_.max_unavailable));
  }
  const auto wave = wave_of(host);
  const auto first = wave == 0 ? 0 : rules_.wave_ends[wave - 1];
  for (std::size_t at = 0; at < first; ++at) {
    const auto i = order_[at];
    if (runs_target(i) || facts_[i].skipped || facts_[i].failed || shown_failed(i) ||
        false_claims(i))
      continue;
    broken(host, "order: it is to begin before host " + std::to_string(i) + " of a wave before");
  }
}

void Truth::in_trial(std::size_t host, const std::string& transaction) {
  if (!is_ours(transaction)) return;
  auto& its = facts(host);
  its.changing = false;
  its.trial_since = world_.now();
  its.was_in_trial = true;
}

// What comes late may be of a conversation that is over.
bool Truth::is_in_hand(std::size_t host) const {
  return living_ && hosts_[host]->weather.late_one_in == 0;
}

void Truth::lease_over(std::size_t host) {
  const bool given_up = shown_failed(host);
  if (!facts(host).harmed_since && !given_up && !contested_)
    broken(host, "lease: it runs out in a living hand");
}

void Truth::confirmed(std::size_t host, const std::string& transaction) {
  if (!is_ours(transaction)) return;
  auto& its = facts(host);
  its.was_confirmed = true;
  check_heard(host);
  const auto wave = wave_of(host);
  for (auto at = wave == 0 ? 0 : rules_.wave_ends[wave - 1]; at < rules_.wave_ends[wave]; ++at) {
    const auto i = order_[at];
    const auto& other = facts_[i];
    const bool baked = other.trial_since && world_.now() - *other.trial_since >= rules_.bake;
    const bool done = other.was_confirmed || other.skipped || runs_target(i);
    if (baked || (i != host && (done || other.failed || shown_failed(i) || false_claims(i)))) {
      continue;
    }
    broken(host, "bake: it is confirmed, and host " + std::to_string(i) + " has not baked");
  }
}

// Each host of the wave that is still in trial has answered since it baked: none of the others is
// confirmed beside one that is gone.
void Truth::check_heard(std::size_t host) {
  if (rules_.bake.count() == 0) return;
  const auto wave = wave_of(host);
  const auto first = wave == 0 ? 0 : rules_.wave_ends[wave - 1];
  Time baked{};
  for (auto at = first; at < rules_.wave_ends[wave]; ++at) {
    // One that was given up may still be told to begin, by a message of before.
    const auto& since = facts_[order_[at]].trial_since;
    if (since && !shown_failed(order_[at])) baked = std::max(baked, *since + rules_.bake);
  }
  for (auto at = first; at < rules_.wave_ends[wave]; ++at) {
    const auto i = order_[at];
    const auto& other = facts_[i];
    if (!other.trial_since || !is_in_hand(i) || false_claims(i) || shown_failed(i)) continue;
    if (!other.renewed || *other.renewed < baked)
      broken(host, "look: it is confirmed, and host " + std::to_string(i) + " was not heard since");
  }
}

void Truth::check_balancer(const std::string& id) {
  const auto left = out_.find(id);
  if (left == out_.end() || left->second.empty() || contested_) return;
  broken(*left->second.begin(), "it was left out of the balancer by " + id);
}

void Truth::ended(std::size_t host, const std::string& transaction, wire::Outcome::Result result) {
  auto* rollback = rollback_of(transaction);
  if (rollback != nullptr && result == wire::Outcome::COMMITTED) {
    rollback->back[host] = true;
    const bool is_where_it_was = hosts_[host]->committed() == facts(host).ran;
    if (is_alone(*rollback) && !is_where_it_was && !false_claims(host))
      broken(host, "rollback: it does not run what it ran before the rollout");
  }
  if (rollback == nullptr && result == wire::Outcome::ROLLED_BACK)  // a trial, or it was stranded
    for (auto& [id, other] : rollbacks_) other.back[host] = true;
  if (!is_ours(transaction)) return;
  auto& its = facts(host);
  its.changing = its.going_back = false;
  its.trial_since.reset();
  if (result != wire::Outcome::COMMITTED) its.failed = world_.now();
}

void Truth::check() {
  std::size_t changing = 0;
  std::size_t going_back = 0;
  for (const auto& facts : facts_) {
    const bool of_now = facts.begun_under == in_charge;
    changing += of_now && (facts.changing || facts.going_back) ? 1 : 0;
    const bool given_up = facts.shown && is_bad(*facts.shown);
    going_back += facts.going_back && !given_up ? 1 : 0;
  }
  const bool one_goes_back = stopping_ && going_back <= 1;
  if (changing > rules_.max_unavailable && !one_goes_back && !contested_) {
    world_.violated("budget: " + std::to_string(changing) + " hosts are being changed, at most " +
                    std::to_string(rules_.max_unavailable) + " may");
  }
}

void Truth::said(std::size_t host, const std::string& frame) {
  living_ = true;
  constexpr std::size_t header = 4;
  wire::ToAgent message;
  message.ParseFromArray(frame.data() + header, static_cast<int>(frame.size() - header));
  world_.note("is told", host, static_cast<std::uint64_t>(message.body_case()));
  if (!message.has_apply() || contested_) return;
  may_begin(host);
  if (stopping_) broken(host, "stop: Apply is sent although nothing new was to start");
  if (known_failures() > rules_.max_failures) {
    broken(host, "failures: Apply is sent after " + std::to_string(known_failures()) +
                     " of at most " + std::to_string(rules_.max_failures) + " failures");
  }
}

void Truth::remembered(std::size_t host, HostPhase phase, bool forgiven) {
  facts(host).shown = phase;
  facts(host).forgiven = forgiven;
  if (forgiven) facts(host).failed.reset();
  // A person wants those tried that could not be asked; what was passed by stays so.
  if (forgiven && !facts(host).skipped) facts(host).poisoned = false;
  if (contested_) return;
  const auto wrong = agrees(host, phase);
  if (!wrong.empty()) broken(host, "report: taken up as " + wrong);
}

void Truth::shown(std::size_t host, HostPhase phase) {
  auto& its = facts(host);
  its.shown = phase;
  its.forgiven = false;
  its.has_place = false;
  if (contested_) return;
  const auto wrong = agrees(host, phase);
  if (!wrong.empty()) broken(host, "report: " + wrong);
  const auto& temper = hosts_[host]->temper;
  const bool by_itself = temper.objects || temper.preflight_fails || temper.verify_fails ||
                         temper.commit_fails || temper.sickens_after.count() > 0;
  if (controller::is_failure(phase) && !its.harmed && !by_itself && !stopping_) {
    broken(host, "no false word: nothing happened to it, and it is shown as " +
                     std::string(controller::phase_name(phase)));
  }
}

std::string Truth::agrees(std::size_t host, HostPhase phase) const {
  if (false_claims(host)) return "";
  const auto& its = facts_[host];
  const auto& model = *hosts_[host];
  const bool ours_open = model.is_open() && is_ours(model.open_id()) && !model.stranded();
  const bool old = model.committed() == its.before && !ours_open;
  const auto name = std::string(controller::phase_name(phase));
  switch (phase) {
    case HostPhase::Done:
    case HostPhase::Unchanged:
    case HostPhase::Kept:
      if (its.skipped && old) return "";
      return runs_target(host) ? "" : name + ", but it does not run the release";
    case HostPhase::Back:
    case HostPhase::Refused:
    case HostPhase::Waiting:
      return old ? "" : name + ", but it does not run what it ran before";
    case HostPhase::Unreachable:
      return model.committed() == its.before ? "" : name + ", but it was changed";
    case HostPhase::Trial:
      return its.was_in_trial ? "" : name + ", but it never was in trial";
    case HostPhase::Stranded:
      return its.harmed || model.temper.stranded_tries > 0 ? "" : name + ", but it is not";
    case HostPhase::Changing:
    case HostPhase::Confirming:
    case HostPhase::Reverting:
    case HostPhase::Lost:
      return "";
  }
  return "";
}

}  // namespace kongfleet::simulation
