// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/verify.hpp"

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t excerpt_max = std::size_t{8} << 10;
constexpr auto api_timeout = 2s;
constexpr unsigned crashes_max = 3;  // a loop, not an accident
// A worker that is just being replaced, or somebody's own reload, is no reason to go back.
constexpr auto trial_patience = 5s;
constexpr auto trial_interval = 250ms;

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
  Reading reading = judge_processes(before, view, node.workers().least);
  if (reading.sign != Sign::Agrees) return reading;
  reading = judge_trial_log(before, log, view);
  if (reading.sign != Sign::Agrees) return reading;
  const auto answer = node.admin(node.now() + api_timeout);
  if (answer && answer->kind != AdminAnswer::Kind::Forbidden) {
    reading = judge_admin(expected, *answer, view);
    if (reading.sign != Sign::Agrees) return reading;
  }
  const auto status = node.status(node.now() + api_timeout);
  return status ? judge_status(before, *status).reading : reading;
}

}  // namespace

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
