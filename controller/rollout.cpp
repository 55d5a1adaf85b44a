// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout.hpp"

#include "controller/exit_code.hpp"

#include <algorithm>

namespace kongfleet::controller {

Rollout::Rollout(RolloutRules rules)
    : rules_(std::move(rules)),
      hosts_(rules_.wave_ends.empty() ? 0 : rules_.wave_ends.back(), HostPhase::Waiting),
      held_(hosts_.size()),
      silent_(hosts_.size()),
      looked_at_(hosts_.size()) {}

Rollout::Rollout(RolloutRules rules, RolloutSoFar so_far)
    : rules_(std::move(rules)),
      hosts_(std::move(so_far.hosts)),
      held_(std::move(so_far.held)),
      silent_(hosts_.size()),
      looked_at_(hosts_.size()),
      failures_(so_far.failures),
      stop_(so_far.stop),
      why_(std::move(so_far.why)) {
  held_.resize(hosts_.size());
  stop_if_due();
}

std::size_t Rollout::count(HostPhase phase) const {
  return static_cast<std::size_t>(std::count(hosts_.begin(), hosts_.end(), phase));
}

std::size_t Rollout::wave_of(std::size_t host) const {
  const auto& ends = rules_.wave_ends;
  return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), host) - ends.begin());
}

namespace {

bool is_moving(HostPhase phase) {
  return phase == HostPhase::Changing || phase == HostPhase::Reverting;
}

bool is_gone(HostPhase phase) {
  return phase == HostPhase::Lost || phase == HostPhase::Stranded ||
         phase == HostPhase::Unreachable;
}

}  // namespace

// Those that are held among them, and those that are silent: it is not known yet what they are.
bool Rollout::moves(std::size_t host) const {
  return held_[host] || (silent_[host] && !stopping()) || is_moving(hosts_[host]);
}

std::size_t Rollout::moving() const {
  std::size_t count = 0;
  for (std::size_t host = 0; host < hosts_.size(); ++host) count += moves(host) ? 1U : 0U;
  return count;
}

std::size_t Rollout::unavailable() const {
  std::size_t count = 0;
  for (std::size_t host = 0; host < hosts_.size(); ++host)
    count += moves(host) || is_gone(hosts_[host]) ? 1U : 0U;
  return count;
}

bool is_failure(HostPhase phase) {
  return phase == HostPhase::Refused || phase == HostPhase::Unreachable ||
         phase == HostPhase::Lost || phase == HostPhase::Stranded || phase == HostPhase::Back ||
         phase == HostPhase::Kept;
}

// Nothing more is expected of this host before its wave goes on.
bool Rollout::settled(std::size_t host) const {
  const auto phase = hosts_[host];
  return phase == HostPhase::Done || phase == HostPhase::Unchanged || is_failure(phase);
}

std::vector<RolloutAction> Rollout::next(Time now) {
  std::vector<RolloutAction> actions;
  if (stopping()) {
    take_back(actions);
    return actions;
  }
  while (wave_ < waves()) {
    fill(actions);
    bake(now, actions);
    bool done = true;
    for (auto host = wave_begin(); host < rules_.wave_ends[wave_]; ++host) {
      done = done && settled(host) && !held_[host];
    }
    if (!done) return actions;
    stop_if_due();  // its hosts may have failed before it was its turn
    if (stopping()) {
      take_back(actions);
      return actions;
    }
    ++wave_;
    looking_ = confirming_ = false;
    bake_until_.reset();
  }
  return actions;
}

void Rollout::fill(std::vector<RolloutAction>& actions) {
  for (auto host = wave_begin(); host < rules_.wave_ends[wave_]; ++host) {
    if (unavailable() >= rules_.max_unavailable) return;
    if (hosts_[host] != HostPhase::Waiting || held_[host]) continue;
    hosts_[host] = HostPhase::Changing;
    actions.push_back({RolloutAction::Kind::Start, host});
  }
}

void Rollout::bake(Time now, std::vector<RolloutAction>& actions) {
  bool any_trial = false;
  for (auto host = wave_begin(); host < rules_.wave_ends[wave_]; ++host) {
    if (held_[host]) return;
    if (hosts_[host] == HostPhase::Trial) {
      any_trial = true;
    } else if (!settled(host) && hosts_[host] != HostPhase::Confirming) {
      return;  // the wave is not full yet
    }
  }
  if (!any_trial || !is_baked(now, actions)) return;
  for (auto host = wave_begin(); host < rules_.wave_ends[wave_]; ++host) {
    if (hosts_[host] != HostPhase::Trial) continue;
    hosts_[host] = HostPhase::Confirming;
    actions.push_back({RolloutAction::Kind::Confirm, host});
  }
}

// A host that died while its wave baked is not known to be dead before somebody asks: those that
// are alive must not be confirmed beside it.
bool Rollout::is_baked(Time now, std::vector<RolloutAction>& actions) {
  if (confirming_) return true;
  if (!looking_) {
    if (!bake_until_) bake_until_ = now + rules_.bake;
    if (now < *bake_until_) return false;
    bake_until_.reset();
    looking_ = true;
    for (auto host = wave_begin(); host < rules_.wave_ends[wave_] && rules_.bake.count() > 0;
         ++host) {
      if (hosts_[host] != HostPhase::Trial) continue;
      looked_at_[host] = true;
      actions.push_back({RolloutAction::Kind::Look, host});
    }
  }
  for (auto host = wave_begin(); host < rules_.wave_ends[wave_]; ++host) {
    if (hosts_[host] == HostPhase::Trial && (looked_at_[host] || silent_[host])) return false;
  }
  confirming_ = true;
  return true;
}

// What hangs in the air goes back first: it was not confirmed; its leases are renewed until its
// turn. After a failure what was confirmed goes back too. All within the budget, as a host that is
// restored is unavailable, but always at least one at a time: hosts in trouble must not hold it up.
void Rollout::take_back(std::vector<RolloutAction>& actions) {
  take_back(HostPhase::Trial, actions);
  if (stop_ == RolloutStop::Failed || stop_ == RolloutStop::Aborted)
    take_back(HostPhase::Done, actions);
}

void Rollout::take_back(HostPhase from, std::vector<RolloutAction>& actions) {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    if (hosts_[host] != from) continue;
    if (moving() > 0 && unavailable() >= rules_.max_unavailable) return;
    hosts_[host] = HostPhase::Reverting;
    actions.push_back({RolloutAction::Kind::Revert, host});
  }
}

std::optional<Rollout::Time> Rollout::wake() const {
  return stopping() ? std::nullopt : bake_until_;
}

void Rollout::report(std::size_t host, HostPhase phase, Time) {
  const auto before = hosts_[host];
  const bool over_for_it = settled(host) && before != HostPhase::Done;
  if (phase == HostPhase::Waiting && before != HostPhase::Changing) return;
  if (over_for_it || before == phase) return;
  hosts_[host] = phase;
  silent_[host] = looked_at_[host] = false;
  const bool asked_back = before == HostPhase::Reverting;
  if (asked_back) return;  // it is counted already: the rollout has failed
  if (is_failure(phase)) ++failures_;
  stop_if_due();  // after good news too: it may have been the last that moved
}

bool Rollout::whole_wave_failed() const {
  if (wave_ >= waves()) return false;
  for (auto host = wave_begin(); host < rules_.wave_ends[wave_]; ++host) {
    if (!is_failure(hosts_[host])) return false;
  }
  return true;
}

void Rollout::stop_if_due() {
  if (stopping()) return;
  const bool idle = moving() == 0;
  if (failures_ > rules_.max_failures) {
    why_ =
        std::to_string(failures_) + " failed, allowed are " + std::to_string(rules_.max_failures);
  } else if (whole_wave_failed()) {
    why_ = "no host of the wave proved the release";
  } else if (idle && unavailable() >= rules_.max_unavailable && count(HostPhase::Waiting) > 0) {
    why_ =
        "the budget of " + std::to_string(rules_.max_unavailable) + " unavailable hosts is used up";
  } else {
    return;
  }
  stop_ = rules_.when_failed == WhenFailed::TakeBack ? RolloutStop::Failed : RolloutStop::Paused;
}

void Rollout::release(std::size_t host) {
  held_[host] = false;
  stop_if_due();  // it may have been the last that moved
}

void Rollout::heard(std::size_t host, bool look) {
  silent_[host] = false;
  if (look) looked_at_[host] = false;
  stop_if_due();  // it may have been the last that moved
}

bool Rollout::may_start() const { return !stopping() && unavailable() <= rules_.max_unavailable; }

void Rollout::halt(std::string why) {
  if (stopping() || over()) return;
  why_ = std::move(why);
  halted_ = true;
  stop_ = rules_.when_failed == WhenFailed::TakeBack ? RolloutStop::Failed : RolloutStop::Paused;
}

void Rollout::interrupt() {
  if (!stopping() && !over()) stop_ = RolloutStop::Interrupted;
}

bool Rollout::over() const {
  if (moving() + count(HostPhase::Confirming) + count(HostPhase::Trial) > 0) return false;
  const bool goes_back = stop_ == RolloutStop::Failed || stop_ == RolloutStop::Aborted;
  if (goes_back) return count(HostPhase::Done) == 0;
  return stopping() || wave_ >= waves();
}

int Rollout::exit_code() const {
  if (count(HostPhase::Stranded) + count(HostPhase::Lost) + count(HostPhase::Kept) > 0)
    return exit_code::needs_person;
  if (stop_ == RolloutStop::Interrupted) return exit_code::interrupted;
  if (stop_ == RolloutStop::Paused) return exit_code::paused;
  if (stop_ != RolloutStop::Failed) return exit_code::done;
  // Taken up after its controller's death, hosts that failed may have gone back as all others did.
  const auto touched = count(HostPhase::Back) + count(HostPhase::Done);
  if (touched > 0) return exit_code::taken_back;
  return halted_ || count(HostPhase::Refused) > 0 ? exit_code::refused : exit_code::failed;
}

namespace {

constexpr std::pair<HostPhase, std::string_view> phase_names[] = {
    {HostPhase::Waiting, "waiting"},     {HostPhase::Changing, "changing"},
    {HostPhase::Trial, "trial"},         {HostPhase::Confirming, "confirming"},
    {HostPhase::Done, "done"},           {HostPhase::Unchanged, "unchanged"},
    {HostPhase::Reverting, "reverting"}, {HostPhase::Back, "back"},
    {HostPhase::Refused, "refused"},     {HostPhase::Unreachable, "unreachable"},
    {HostPhase::Lost, "lost"},           {HostPhase::Stranded, "stranded"},
    {HostPhase::Kept, "kept"},
};

constexpr std::pair<RolloutStop, std::string_view> stop_names[] = {
    {RolloutStop::No, "no"},           {RolloutStop::Failed, "failed"},
    {RolloutStop::Paused, "paused"},   {RolloutStop::Interrupted, "interrupted"},
    {RolloutStop::Aborted, "aborted"},
};

template <class Names, class Value>
std::string_view name_in(const Names& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "?";
}

template <class Value, std::size_t N>
std::optional<Value> named_in(const std::pair<Value, std::string_view> (&names)[N],
                              std::string_view wanted) {
  for (const auto& [value, name] : names) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view phase_name(HostPhase phase) { return name_in(phase_names, phase); }
std::optional<HostPhase> phase_named(std::string_view name) { return named_in(phase_names, name); }
std::string_view stop_name(RolloutStop stop) { return name_in(stop_names, stop); }
std::optional<RolloutStop> stop_named(std::string_view name) { return named_in(stop_names, name); }

}  // namespace kongfleet::controller
