// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/error_log.hpp"
#include "agent/gateway.hpp"
#include "agent/kong_admin.hpp"
#include "agent/kong_processes.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

// What proves a reload, and what tells that it failed. Not every host has every witness: a data
// plane has no Admin API, an older Kong no Status API, a log may go where nobody can read it.
//
// A reload is proven when all of these hold at once, and once more 100 ms later:
//
//   always              the master is the one of before; every serving worker was started after the
//                       snapshot, as many as there must be, none of before serves (/proc); nothing
//                       below contradicts. New workers alone prove nothing: a worker that dies
//                       after a rejected reload comes back with the old code and a new pid.
//   Admin API           and so many answers in a row, on fresh connections, that each worker will
//                       have given one say: this lua_package_path, these plugins, these VERSIONs
//                       (Kong 3), and just these workers
//   no Admin API (data  and one sign of a configuration that nginx took, seen since the snapshot:
//   plane, `off`, TLS   - the master's "start worker processes" in its log (log_level notice), or
//   only, 401, 403)     - old and new workers side by side, more than there must be (any log), or
//                       - a worker of before that is retired: no other event has nginx do that
//   Status API          and what was 200 before is 200 (/status/ready, /status), and a declarative
//                       configuration that was loaded still is (configuration_hash)
//   nothing of these    is never proven: the deadline ends it. So where neither Admin API nor log
//   at
//                       notice can be had and the host was so busy that 100 ms of overlap went
//                       unseen. It fails on the safe side: what served before is restored.
//
// It has failed, without waiting for the deadline, when
//
//   the log             has the master's init_by_lua error or [emerg]; or a new worker's "worker
//                       initialization error", "unsafe request processing", or its crash
//   no log to read      the master idles, all old workers serve, and it took the signal (it was
//   seen
//                       at work, or pids.workers is flushed): 3 s, else 30 s
//   any log             the same, and nothing shows that it ever got the signal: 30 s
//   workers             new ones keep dying (more than two for each there must be, and two)
//   Admin API           says something else, or 500, for 1.5 s although only new workers are left
//   Status API          500 where it was none, for 1.5 s; or no configuration any more, for 30 s
//   the master          is gone, or another one
//
// A master that hangs in a module's main chunk is told by what it hears: it blocks its signals
// while it works on one (KongProcesses::busy). It may only be slow, so that the deadline decides;
// the cause then says that nothing but a restart helps.
//
// Known limit: somebody else's good reload within the same moment as ours, while ours is rejected,
// on a host with neither Admin API nor log: its workers are taken for ours.

/// What one sign says of the question "does the new configuration serve?".
enum class Sign {
  Agrees,
  Pending,     // not yet: looking again makes sense
  Contradicts  // no, and waiting will not help
};

struct Reading {
  Sign sign = Sign::Pending;
  std::string why;  // for Pending and Contradicts, for people
};

/// Kong's processes at one moment.
struct ProcessView {
  std::optional<ProcessId> master;
  std::vector<KongChild> children;
  std::optional<bool> busy;  // the master is at work on a signal; nothing: not known
};

/// How many workers there must be: one number, or what `auto` may mean.
struct WorkerCount {
  std::size_t least = 1;
  std::size_t most = 1;
};

/// Children that came after the snapshot: not one of those it holds, and not started before it.
bool is_fresh(const Snapshot& before, const ProcessId& process);

/// Whether a worker serves, or is coming up to, that came after the snapshot.
bool any_fresh(const Snapshot& before, const ProcessView& now);

/// The master is the one of before; nobody of before serves; as many fresh workers serve as there
/// must be, none still starting.
Reading judge_processes(const Snapshot& before, const ProcessView& now, std::size_t workers);

/// The log since the snapshot: rejected by the master, or broken in a worker that now serves. A
/// line by an old worker, degraded since an earlier reload, counts nothing.
Reading judge_log(const Snapshot& before, const std::vector<LogEntry>& log, const ProcessView& now);

/// One answer of the Admin API, given that the processes agree. Pending where another answer may
/// differ.
Reading judge_admin(const Expectation& expected, const AdminAnswer& answer, const ProcessView& now);

/// The Status API compared with what it said before: readiness is not demanded, a DB-less node
/// without configuration never has it (kong.md section 5). `broken` is set for what is an error of
/// the API itself, `lost` for a configuration that is no longer there.
struct StatusReading {
  Reading reading;
  bool broken = false;
  bool lost = false;
};
StatusReading judge_status(const Snapshot& before, const StatusAnswer& now);

/// Whether a look shows what only an accepted configuration can: fresh workers beside old ones,
/// more of them than before and than there may be; or one of before that is being retired. A worker
/// that was killed and started again (with the OLD code, after a rejected reload) never shows it.
bool shows_acceptance(const Snapshot& before, const ProcessView& now, std::size_t workers_most);

/// The rows of a report.
std::vector<WorkerRow> worker_rows(const Snapshot& before, const ProcessView& now);

/// The node as the watching loop sees it; tests script one.
class NodeView {
public:
  virtual ~NodeView() = default;
  using Time = std::chrono::steady_clock::time_point;
  virtual Time now() = 0;
  virtual void pause(std::chrono::milliseconds time) = 0;
  virtual ProcessView processes(KongProcesses::Care care) = 0;
  /// All entries of the log since the snapshot, as far as they are kept; nothing when the log can't
  /// be read.
  virtual std::optional<std::vector<LogEntry>> log() = 0;
  /// Asks once, on a fresh connection; nothing when there is no Admin API to ask.
  virtual std::optional<AdminAnswer> admin(Time deadline) = 0;
  /// Likewise; nothing when there is no Status API to ask.
  virtual std::optional<StatusAnswer> status(Time deadline) = 0;
  /// How many workers the configuration that was read last asks for.
  virtual WorkerCount workers() = 0;
  /// Whether acceptance was seen while the reload was being asked for.
  virtual bool accepted_already() = 0;
};

/// Watches until every sign agrees, twice, or one contradicts, at the latest at the deadline.
Verdict watch_reload(NodeView& node, const Snapshot& before, const Expectation& expected);

/// Looks once, and while something is only pending (a worker that died is being replaced) again,
/// for 5 seconds at the most. The expectation's deadline counts nothing here: it is long over in a
/// trial.
Verdict look_once(NodeView& node, const Snapshot& before, const Expectation& expected);

}  // namespace kongfleet::agent
