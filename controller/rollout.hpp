// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// How a rollout goes on when it may not go on.
enum class WhenFailed { TakeBack, Pause };

struct RolloutRules {
  std::vector<std::size_t> wave_ends;  // cumulative host counts; the last is the number of hosts
  std::chrono::milliseconds bake{0};
  std::size_t max_unavailable = 1;  // hosts, at least 1
  std::size_t max_failures = 0;     // the rollout stops when this is exceeded
  WhenFailed when_failed = WhenFailed::TakeBack;
};

/// Where one host of a rollout is.
enum class HostPhase {
  Waiting,      // nothing was done to it
  Changing,     // its transaction runs
  Trial,        // proven, waiting for its wave to bake
  Confirming,   // told to keep it
  Done,         // confirmed
  Unchanged,    // there was nothing to do
  Reverting,    // told to go back
  Back,         // as it was before this rollout
  Refused,      // it refused before anything changed
  Unreachable,  // no answer: nothing is known of it but that nothing was changed
  Lost,         // no answer while it was being changed: it undoes that by itself
  Stranded,     // the way back failed
  Kept,         // still runs what this rollout brought: it could not be taken back
};

/// Why a rollout does not go on.
enum class RolloutStop {
  No,           // it goes on
  Failed,       // too much failed: all it changed goes back
  Paused,       // too much failed: a person is to look
  Interrupted,  // a person, or what we need here, stopped it
  Aborted,      // a person takes it back
};

/// A rollout that began earlier, under another controller or before a pause.
struct RolloutSoFar {
  std::vector<HostPhase> hosts;  // none of them Changing, Confirming or Reverting
  RolloutStop stop = RolloutStop::No;
  std::string why;
  std::size_t failures = 0;  // that count against the rules
  std::vector<bool> held;    // empty: none
};

/// What is to be done now.
struct RolloutAction {
  enum class Kind {
    Start,
    Look,  // at a trial whose wave has baked: it has to be heard before any of the wave is
           // confirmed
    Confirm,
    Revert
  };  // Revert: also of what was confirmed earlier in this rollout
  Kind kind;
  std::size_t host;
};

/// One fleet's move, wave by wave. Pure: it hands out what to do, is told what happened, and takes
/// the time as a number; it knows nothing of SSH or printing. Hosts are 0 … n-1 in the order they
/// go.
///
/// A wave starts only when every host before it is Done or Unchanged, or failed within the budget.
/// Inside a wave a host starts as soon as a slot is free: never more than max_unavailable hosts are
/// Changing, Reverting, Lost, Stranded, Unreachable, held or silent at once. When all hosts of a
/// wave are in trial and none is held it bakes, then each is looked at once more, and all of it is
/// confirmed when none is silent (without a bake nobody is looked at). A host that fails counts
/// against max_failures; when that is exceeded nothing new starts, and with TakeBack everything
/// this rollout changed goes back.
class Rollout {
public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Rollout(RolloutRules rules);
  /// Goes on with one that began earlier. A wave whose hosts are all in trial bakes anew.
  Rollout(RolloutRules rules, RolloutSoFar so_far);

  /// What is to be done now; each action is handed out once.
  std::vector<RolloutAction> next(Time now);
  /// When next() should be asked again though nothing was reported; nothing: only after a report.
  std::optional<Time> wake() const;

  /// Something happened to a host. Reports that don't fit its phase are ignored: they are late.
  void report(std::size_t host, HostPhase phase, Time now);
  /// Whatever is reported of this host, it keeps its slot until it is released: something is to be
  /// done before the next one starts, or its wave bakes.
  void hold(std::size_t host) { held_[host] = true; }
  void release(std::size_t host);
  bool is_held(std::size_t host) const { return held_[host]; }
  /// A host in trial did not answer. It has a slot until it is heard again, or something is
  /// reported.
  void silent(std::size_t host) { silent_[host] = hosts_[host] == HostPhase::Trial; }
  /// A host in trial answered, and still is; `look`: to that.
  void heard(std::size_t host, bool look);
  /// Whether a host that was handed out to start may still be told to: others may have become
  /// unavailable since, or the rollout stops. What may not is Waiting again.
  bool may_start() const;
  /// Something outside objects to what would start next: nothing new starts, and what has begun
  /// goes the way of a failed rollout. `why` is a sentence.
  void halt(std::string why);
  /// A person wants it to stop: nothing new starts, what is in trial goes back, what is confirmed
  /// stays.
  void interrupt();

  HostPhase phase(std::size_t host) const { return hosts_[host]; }
  std::size_t wave() const { return wave_; }  // 0: the canary
  std::size_t wave_of(std::size_t host) const;
  std::size_t waves() const { return rules_.wave_ends.size(); }
  std::size_t wave_size() const { return rules_.wave_ends[wave_] - wave_begin(); }
  std::size_t failures() const { return failures_; }
  bool baking() const { return bake_until_.has_value(); }
  bool stopping() const { return stop_ != RolloutStop::No; }
  RolloutStop stop() const { return stop_; }
  /// Why it stopped by itself, as a sentence; empty where it didn't.
  const std::string& why() const { return why_; }
  /// Nothing more will happen.
  bool over() const;
  /// design.md section 6, once over.
  int exit_code() const;

private:
  std::size_t count(HostPhase phase) const;
  std::size_t wave_begin() const { return wave_ == 0 ? 0 : rules_.wave_ends[wave_ - 1]; }
  bool moves(std::size_t host) const;
  std::size_t moving() const;
  std::size_t unavailable() const;
  void fill(std::vector<RolloutAction>& actions);
  void bake(Time now, std::vector<RolloutAction>& actions);
  bool is_baked(Time now, std::vector<RolloutAction>& actions);
  void take_back(std::vector<RolloutAction>& actions);
  void take_back(HostPhase from, std::vector<RolloutAction>& actions);
  bool settled(std::size_t host) const;
  bool whole_wave_failed() const;
  void stop_if_due();

  RolloutRules rules_;
  std::vector<HostPhase> hosts_;
  std::vector<bool> held_;
  std::vector<bool> silent_;
  std::vector<bool> looked_at_;  // and not heard yet
  std::size_t wave_ = 0;
  std::size_t failures_ = 0;
  std::optional<Time> bake_until_;
  bool looking_ = false;     // this wave has baked
  bool confirming_ = false;  // and each of its hosts was heard since
  RolloutStop stop_ = RolloutStop::No;
  bool halted_ = false;
  std::string why_;
};

std::string_view phase_name(HostPhase phase);
/// Nothing for what is no phase's name.
std::optional<HostPhase> phase_named(std::string_view name);
std::string_view stop_name(RolloutStop stop);
std::optional<RolloutStop> stop_named(std::string_view name);
/// The host counts as failed.
bool is_failure(HostPhase phase);

}  // namespace kongfleet::controller
