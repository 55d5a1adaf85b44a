// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/verify.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;
using Time = NodeView::Time;

constexpr std::size_t excerpt_max = std::size_t{8} << 10;
// A look costs 60 us; old and new workers overlap for 100 ms at least (ngx_reconfigure sleeps that
// long), so that several looks fall into it.
constexpr auto look_interval = 20ms;
constexpr auto look_interval_later =
    50ms;  // once the reload takes long, a little more does not matter
constexpr auto later = 5s;
// The signs must agree for this long: between two looks nothing came back.
constexpr auto stable = 100ms;
constexpr auto admin_timeout = 2s;
// All processes are new, yet the answers stay wrong: no worker is left that could give another one.
constexpr auto wrong_answers_for = 1500ms;
constexpr unsigned wrong_answers_min = 4;
constexpr std::size_t answers_max = 64;  // enough for hosts with more workers than that, too
// With no log to read, `pids.workers` missing for so long means a rejected reload; loading a big
// configuration takes seconds as well.
constexpr auto silent_rejection = 30s;
constexpr auto silent_question = 500ms;
constexpr unsigned crashes_max = 3;  // during a trial: a loop, not an accident

// During a trial a worker that is just being replaced, or somebody's own reload, is no reason to go
// back.
constexpr auto trial_patience = 5s;
constexpr auto trial_interval = 250ms;

/// Readiness is compared, not demanded: a DB-less node without configuration is never ready
/// (kong.md section 5).
Reading judge_ready(const Snapshot& before, const std::optional<int>& ready) {
  if (before.ready != 200 || ready == 200) return {Sign::Agrees, ""};
  return {Sign::Pending, "/status/ready was 200 before the reload and is " +
                             (ready ? std::to_string(*ready) : std::string("silent")) + " now"};
}

class ReloadWatch {
public:
  ReloadWatch(NodeView& node, const Snapshot& before, const Expectation& expected)
      : node_(node), before_(before), expected_(expected), began_(node.now()) {}

  Verdict run() {
    for (;;) {
      const Reading reading = look();
      if (reading.sign == Sign::Agrees) return verdict("");
      if (reading.sign == Sign::Contradicts) return verdict(reading.why);
      if (node_.now() >= expected_.deadline)
        return verdict("not proven within the time allowed: " + reading.why);
      if (!hurry_) node_.pause(node_.now() - began_ < later ? look_interval : look_interval_later);
    }
  }

private:
  /// One look at everything that can be decided on now. Processes before the log: a worker gets its
  /// title only after it wrote what was wrong with its initialization.
  Reading look() {
    hurry_ = false;
    view_ = node_.processes(KongProcesses::Care::Quick);
    overlap_ = overlap_ || shows_overlap(before_, view_, node_.workers());
    Reading log = read_log();
    if (log.sign == Sign::Contradicts) return log;
    Reading processes = judge_processes(before_, view_, node_.workers());
    if (processes.sign != Sign::Agrees) {
      agreed_since_.reset();
      answers_ = 0;
      if (processes.sign == Sign::Pending && !log_) return suspect_rejection(processes);
      return processes.sign == Sign::Pending && log.sign == Sign::Pending ? log : processes;
    }
    if (!agreed_since_) agreed_since_ = node_.now();
    Reading admin = ask();
    if (admin.sign != Sign::Agrees) return admin;
    Reading ready = ask_ready();
    if (ready.sign != Sign::Agrees) return ready;
    if (node_.now() - *agreed_since_ < stable) return {Sign::Pending, "the signs agree"};
    return confirm();
  }

  Reading read_log() {
    log_ = node_.log();
    if (!log_) return {Sign::Agrees, ""};
    return judge_log(before_, *log_, view_);
  }

  /// The Admin API until so many answers in a row agree that every worker is likely to have given
  /// one.
  Reading ask() {
    const auto answer = node_.admin(node_.now() + admin_timeout);
    if (!answer || answer->kind == AdminAnswer::Kind::Forbidden) return judge_without_admin();
    const Reading reading = judge_admin(expected_, *answer, view_);
    if (reading.sign != Sign::Agrees) {
      answers_ = 0;
      return answer->kind == AdminAnswer::Kind::Silent ? reading : wrong_answer(reading);
    }
    wrong_answers_ = 0;
    const auto wanted = std::min(answers_max, 2 * std::max<std::size_t>(node_.workers(), 1));
    hurry_ = ++answers_ < wanted;
    if (hurry_) return {Sign::Pending, "not every worker was heard"};
    return {Sign::Agrees, ""};
  }

  Reading wrong_answer(const Reading& reading) {
    if (wrong_answers_++ == 0) wrong_since_ = node_.now();
    const bool lasting =
        wrong_answers_ >= wrong_answers_min && node_.now() - wrong_since_ >= wrong_answers_for;
    return lasting ? Reading{Sign::Contradicts, reading.why} : reading;
  }

  /// No worker can be asked. New pids alone are no proof: a killed worker comes back with the old
  /// code.
  Reading judge_without_admin() const {
    const bool started =
        log_ && std::any_of(log_->begin(), log_->end(), [&](const LogEntry& entry) {
          return sign_of(entry, before_.master.pid) == LogSign::CycleStarted;
        });
    if (started || overlap_) return {Sign::Agrees, ""};
    return {Sign::Pending,
            "all workers are new, but nothing shows that they came from an accepted reload"};
  }

  Reading ask_ready() {
    if (before_.ready != 200) return {Sign::Agrees, ""};
    return judge_ready(before_, node_.ready(node_.now() + admin_timeout));
  }

  /// The same again, from all of the process table.
  Reading confirm() {
    view_ = node_.processes(KongProcesses::Care::Thorough);
    Reading processes = judge_processes(before_, view_, node_.workers());
    if (processes.sign != Sign::Agrees) return processes;
    return read_log();
  }

  Reading suspect_rejection(const Reading& processes) {
    if (node_.now() < next_question_) return processes;
    next_question_ = node_.now() + silent_question;
    const auto answer = node_.admin(node_.now() + admin_timeout);
    const bool flushed = answer && answer->kind == AdminAnswer::Kind::Told && !answer->root.workers;
    if (!flushed) flushed_since_.reset();
    if (flushed && !flushed_since_) flushed_since_ = node_.now();
    if (flushed && node_.now() - *flushed_since_ >= silent_rejection)
      return {Sign::Contradicts,
              "Kong rejected the reload: the old workers stay and pids.workers is missing; its "
              "error log can't be read here"};
    return processes;
  }

  Verdict verdict(std::string cause) const {
    Verdict result;
    result.ok = cause.empty();
    result.cause = std::move(cause);
    result.workers = worker_rows(before_, view_);
    if (log_) result.error_log = log_excerpt(*log_, before_.master.pid, excerpt_max);
    return result;
  }

  NodeView& node_;
  const Snapshot& before_;
  const Expectation& expected_;
  const Time began_;
  ProcessView view_;
  std::optional<std::vector<LogEntry>> log_;
  bool overlap_ = false;
  bool hurry_ = false;  // ask again at once
  std::optional<Time> agreed_since_;
  std::size_t answers_ = 0;
  unsigned wrong_answers_ = 0;
  Time wrong_since_{};
  Time next_question_{};
  std::optional<Time> flushed_since_;
};

/// Like judge_log for a node that was verified: a rejection is somebody else's later reload and
/// leaves what serves, and one worker may die without anybody's fault.
Reading judge_trial_log(const Snapshot& before, std::vector<LogEntry> log, const ProcessView& now) {
  unsigned crashes = 0;
  std::erase_if(log, [&](const LogEntry& entry) {
    const auto sign = sign_of(entry, before.master.pid);
    if (sign == LogSign::WorkerCrashed) return ++crashes < crashes_max;
    return sign == LogSign::Rejected || sign == LogSign::BindRetry;
  });
  return judge_log(before, log, now);
}

Reading look_in_trial(NodeView& node, const Snapshot& before, const Expectation& expected,
                      ProcessView& view, std::vector<LogEntry>& log) {
  view = node.processes(KongProcesses::Care::Thorough);
  log = node.log().value_or(std::vector<LogEntry>{});
  Reading reading = judge_processes(before, view, node.workers());
  if (reading.sign != Sign::Agrees) return reading;
  reading = judge_trial_log(before, log, view);
  if (reading.sign != Sign::Agrees) return reading;
  const auto answer = node.admin(node.now() + admin_timeout);
  if (answer && answer->kind != AdminAnswer::Kind::Forbidden) {
    reading = judge_admin(expected, *answer, view);
    if (reading.sign != Sign::Agrees) return reading;
  }
  return judge_ready(before, node.ready(node.now() + admin_timeout));
}

}  // namespace

Verdict watch_reload(NodeView& node, const Snapshot& before, const Expectation& expected) {
  return ReloadWatch(node, before, expected).run();
}

Verdict look_once(NodeView& node, const Snapshot& before, const Expectation& expected) {
  const auto patience = node.now() + trial_patience;
  for (;;) {
    ProcessView view;
    std::vector<LogEntry> log;
    const Reading reading = look_in_trial(node, before, expected, view, log);
    if (reading.sign == Sign::Pending && node.now() < patience) {
      node.pause(trial_interval);
      continue;
    }
    Verdict verdict;
    verdict.ok = reading.sign == Sign::Agrees;
    verdict.cause = reading.why;
    verdict.workers = worker_rows(before, view);
    verdict.error_log = log_excerpt(log, before.master.pid, excerpt_max);
    return verdict;
  }
}

}  // namespace kongfleet::agent
