// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

/// The newest rollouts, syncs and rollbacks, the newest first. JSON:
///
///     {"schema": "kongfleet/1", "command": "history", "rollouts": [{"id", "kind", "who",
///      "started", "ended", "selection", "state", "result", "exit", "why",
///      "releases": [{"name", "version", "digest"}], "hosts": {"all", "ok", "failed"}}]}
///
/// "ended" and "exit" are null for one that is not over; times are UTC.
int run_history(const GlobalOptions& global, const HistoryCommand& command, const Answer& answer);

/// What became of every host of one of them, those that failed first, with their evidence. JSON:
///
///     {"schema": "kongfleet/1", "command": "show", "rollout": as above,
///      "hosts": [{"host", "wave", "attempt", "phase", "started", "ended", "ms", "cause",
///      "outcome", "way_back"}], "events": [{"at", "kind", "host", "text"}]}
///
/// "outcome" is the host's own word as in `rollout`'s events, or null. Exit code 1 for an ID that
/// is not known.
int run_show(const GlobalOptions& global, const ShowCommand& command, const Answer& answer);

/// Writes one of them as a page (report.hpp), whole or not at all, and tells its name. JSON:
/// {"schema": "kongfleet/1", "command": "report", "ok": true, "rollout": ID, "file": NAME}.
int run_report(const GlobalOptions& global, const ReportCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
