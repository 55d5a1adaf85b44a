// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/verify.hpp"

#include <algorithm>
#include <set>

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
constexpr auto api_timeout = 2s;
// All processes are new, yet the answers stay wrong: no worker is left that could give another one.
constexpr auto wrong_answers_for = 1500ms;
constexpr unsigned wrong_answers_min = 4;
constexpr std::size_t answers_max = 64;  // enough for hosts with more workers than that, too
// A master that idles beside its old workers is through with the reload, or never got it. What it
// writes to a log, a journal above all, takes its time.
constexpr auto silent_rejection = 3s;
constexpr auto silent_reload = 30s;
constexpr auto silent_question = 500ms;
constexpr auto silence_that_tells = 1s;  // by then it is worth a word at the deadline
// A data plane loads its configuration again within moments, or gets it anew from its control plane
// once that connection is up (kong/clustering: after 5 to 10 s).
constexpr auto lost_for = 30s;

/// A reading that counts only once it has stood for some time.
class Lasting {
public:
  Lasting(std::chrono::milliseconds time, unsigned least) : time_(time), least_(least) {}
  Reading of(Reading reading, Time now) {
    if (count_++ == 0) since_ = now;
    if (count_ >= least_ && now - since_ >= time_) reading.sign = Sign::Contradicts;
    return reading;
  }
  void over() { count_ = 0; }

private:
  std::chrono::milliseconds time_;
  unsigned least_;
  unsigned count_ = 0;
  Time since_{};
};

/// The new workers that went without being retired: they died.
class Losses {
public:
  void look(const Snapshot& before, const ProcessView& view) {
    std::set<ProcessId> here;
    for (const auto& child : view.children) {
      if (!is_fresh(before, child.id) || child.state == ChildState::Other) continue;
      here.insert(child.id);
      seen_.insert(child.id);
      if (child.state == ChildState::Draining) retired_.insert(child.id);
    }
    // Counted afresh each time: a quick look may miss a child.
    count_ = static_cast<std::size_t>(std::count_if(
        seen_.begin(), seen_.end(),
        [&](const ProcessId& id) { return !here.contains(id) && !retired_.contains(id); }));
  }
  std::size_t count() const { return count_; }

private:
  std::set<ProcessId> seen_;
  std::set<ProcessId> retired_;
  std::size_t count_ = 0;
};

class ReloadWatch {
public:
  ReloadWatch(NodeView& node, const Snapshot& before, const Expectation& expected)
      : node_(node),
        before_(before),
        expected_(expected),
        began_(node.now()),
        accepted_(node.accepted_already()) {}

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
    note();
    Reading log = read_log();
    if (log.sign == Sign::Contradicts) return log;
    if (losses_.count() > 2 + 2 * node_.workers().least)
      return {Sign::Contradicts, "new workers die as soon as they come up: " +
                                     std::to_string(losses_.count()) + " so far"};
    Reading processes = judge_processes(before_, view_, node_.workers().least);
    if (processes.sign != Sign::Agrees) {
      agreed_since_.reset();
      answers_ = 0;
      if (processes.sign == Sign::Contradicts) return processes;
      return log.sign == Sign::Pending ? log : judge_waiting(processes);
    }
    if (!agreed_since_) agreed_since_ = node_.now();
    Reading admin = ask();
    if (admin.sign != Sign::Agrees) return admin;
    Reading status = ask_status();
    if (status.sign != Sign::Agrees) return status;
    if (node_.now() - *agreed_since_ < stable) return {Sign::Pending, "the signs agree"};
    return confirm();
  }

  /// What only a series of looks tells.
  void note() {
    accepted_ = accepted_ || shows_acceptance(before_, view_, node_.workers().most);
    losses_.look(before_, view_);
    const bool busy = view_.busy == true;
    acted_ = acted_ || busy;
    if (!busy) busy_since_.reset();
    if (busy) idle_since_.reset();
    if (busy && !busy_since_) busy_since_ = node_.now();
    if (!busy && !idle_since_) idle_since_ = node_.now();
  }

  Reading read_log() {
    log_ = node_.log();
    if (!log_) return {Sign::Agrees, ""};
    return judge_log(before_, *log_, view_);
  }

  /// The processes are not yet what they must be: on the way, or for good?
  Reading judge_waiting(const Reading& processes) {
    if (any_fresh(before_, view_)) return processes;
    if (busy_since_) return working(processes);
    return judge_silence(processes);
  }

  Reading working(const Reading& processes) const {
    const auto time = std::chrono::duration_cast<std::chrono::seconds>(node_.now() - *busy_since_);
    if (time < silence_that_tells) return processes;
    return {Sign::Pending, "Kong's " + master() + " has been at work on the reload for " +
                               std::to_string(time.count()) +
                               " s: the main chunk of a module is slow, or hangs. The old workers "
                               "serve on, but the master hears no signal meanwhile: if it hangs, "
                               "restart Kong once kong.conf names what loads"};
  }

  /// The master idles, and all is as it was.
  Reading judge_silence(const Reading& processes) {
    const auto silent = node_.now() - *idle_since_;
    if (silent < silence_that_tells)
      return processes;  // a question takes time, an overlap is short
    if (node_.now() >= next_question_) {
      next_question_ = node_.now() + silent_question;
      const auto answer = node_.admin(node_.now() + api_timeout);
      flushed_ = answer && answer->kind == AdminAnswer::Kind::Told && !answer->root.workers;
    }
    const bool took_it = flushed_ || acted_ || holds(LogSign::Heard);
    const bool surely = took_it && view_.busy.has_value();
    const bool over = silent >= (surely ? Time::duration(silent_rejection) : silent_reload);
    return {over ? Sign::Contradicts : Sign::Pending, silence(took_it)};
  }

  std::string silence(bool took_it) const {
    if (took_it)
      return "Kong rejected the reload: the old workers stay" +
             std::string(flushed_ ? " and pids.workers is missing" : "") +
             (log_ ? "; its error log does not say why" : "; its error log can't be read here");
    return "the reload never reached Kong's " + master() +
           ": it idles, and its workers are those of before; see what ExecReload of the unit, or "
           "`kong reload`, really signals";
  }

  std::string master() const { return "master process " + std::to_string(before_.master.pid); }

  bool holds(LogSign sign) const {
    return log_ && std::any_of(log_->begin(), log_->end(), [&](const LogEntry& entry) {
             return sign_of(entry, before_.master.pid) == sign;
           });
  }

  /// The Admin API until so many answers in a row agree that every worker is likely to have given
  /// one.
  Reading ask() {
    const auto answer = node_.admin(node_.now() + api_timeout);
    if (!answer || answer->kind == AdminAnswer::Kind::Forbidden) return judge_without_admin();
    const Reading reading = judge_admin(expected_, *answer, view_);
    if (reading.sign != Sign::Agrees) {
      answers_ = 0;
      if (answer->kind == AdminAnswer::Kind::Silent) return reading;
      return wrong_answers_.of(reading, node_.now());
    }
    wrong_answers_.over();
    const auto wanted = std::min(answers_max, 2 * std::max<std::size_t>(node_.workers().least, 1));
    hurry_ = ++answers_ < wanted;
    if (hurry_) return {Sign::Pending, "not every worker was heard"};
    return {Sign::Agrees, ""};
  }

  /// No worker can be asked. New pids alone are no proof: a killed worker comes back with the old
  /// code.
  Reading judge_without_admin() const {
    if (holds(LogSign::CycleStarted) || accepted_) return {Sign::Agrees, ""};
    return {Sign::Pending,
            "all workers are new, but nothing shows that they came from an accepted reload"};
  }

  Reading ask_status() {
    const auto answer = node_.status(node_.now() + api_timeout);
    if (!answer) return {Sign::Agrees, ""};
    const auto status = judge_status(before_, *answer);
    if (!status.broken) broken_.over();
    if (!status.lost) lost_.over();
    if (status.broken) return broken_.of(status.reading, node_.now());
    if (status.lost) return lost_.of(status.reading, node_.now());
    return status.reading;
  }

  /// The same again, from all of the process table.
  Reading confirm() {
    view_ = node_.processes(KongProcesses::Care::Thorough);
    Reading processes = judge_processes(before_, view_, node_.workers().least);
    if (processes.sign != Sign::Agrees) return processes;
    return read_log();
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
  bool accepted_;         // a sign that only an accepted configuration gives was seen
  bool acted_ = false;    // the master was seen at work
  bool flushed_ = false;  // pids.workers was missing when last asked
  bool hurry_ = false;    // ask again at once
  Losses losses_;
  std::optional<Time> busy_since_;
  std::optional<Time> idle_since_;
  std::optional<Time> agreed_since_;
  std::size_t answers_ = 0;
  Lasting wrong_answers_{wrong_answers_for, wrong_answers_min};
  Lasting broken_{wrong_answers_for, wrong_answers_min};
  Lasting lost_{lost_for, 1};
  Time next_question_{};
};

}  // namespace

Verdict watch_reload(NodeView& node, const Snapshot& before, const Expectation& expected) {
  return ReloadWatch(node, before, expected).run();
}

}  // namespace kongfleet::agent
