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
};

/// Children that came after the snapshot: not one of those it holds, and not started before it.
bool is_fresh(const Snapshot& before, const ProcessId& process);

/// The master is the one of before; nobody of before serves; as many fresh workers serve as there
/// must be, none still starting.
Reading judge_processes(const Snapshot& before, const ProcessView& now, std::size_t workers);

/// The log since the snapshot: rejected by the master, or broken in a worker that now serves. A
/// line by an old worker, degraded since an earlier reload, counts nothing.
Reading judge_log(const Snapshot& before, const std::vector<LogEntry>& log, const ProcessView& now);

/// One answer of the Admin API, given that the processes agree. Pending where another answer may
/// differ.
Reading judge_admin(const Expectation& expected, const AdminAnswer& answer, const ProcessView& now);

/// Whether a look shows what only an accepted configuration can: fresh workers beside old ones, and
/// more of them than before and than there must be. A worker that was killed and started again
/// (with the OLD code, after a rejected reload) never shows it.
bool shows_overlap(const Snapshot& before, const ProcessView& now, std::size_t workers);

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
  virtual std::optional<int> ready(Time deadline) = 0;
  /// How many workers the configuration that was read last asks for.
  virtual std::size_t workers() = 0;
};

/// Watches until every sign agrees, twice, or one contradicts, at the latest at the deadline.
Verdict watch_reload(NodeView& node, const Snapshot& before, const Expectation& expected);

/// Looks once, and while something is only pending (a worker that died is being replaced) again,
/// for 5 seconds at the most. The expectation's deadline counts nothing here: it is long over in a
/// trial.
Verdict look_once(NodeView& node, const Snapshot& before, const Expectation& expected);

}  // namespace kongfleet::agent
