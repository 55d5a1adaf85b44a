// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

// Their JSON documents are described in kongfleet-1.schema.json.

/// The newest rollouts, syncs and rollbacks, the newest first.
int run_history(const GlobalOptions& global, const HistoryCommand& command, const Answer& answer);

/// What became of every host of one of them, those that failed first, with their evidence.
/// Exit code 1 for an ID that is not known.
int run_show(const GlobalOptions& global, const ShowCommand& command, const Answer& answer);

/// Writes one of them as a page (report.hpp), whole or not at all, and tells its name.
int run_report(const GlobalOptions& global, const ReportCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
