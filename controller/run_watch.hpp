// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/rollout_hooks.hpp"
#include "controller/run_view.hpp"
#include "controller/webhook.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Writes [metrics] of the fleet file, where it has that, for everybody to read. Why it could not,
/// as a sentence; else empty.
std::string write_metrics(const Fleet& fleet, const RunEnd& end, std::chrono::milliseconds took);

/// All who watch a run besides the person at the terminal: [hooks], [webhook] and [metrics] of the
/// fleet file. What fails among them is told at the end, and changes nothing of the run.
class RunWatch {
public:
  /// Throws Error when the webhook's secret cannot be read: before anything is touched. But a run
  /// that `goes_back` goes all the same, without the webhook.
  RunWatch(const Fleet& fleet, const std::string& run, bool goes_back = false);
  ~RunWatch();
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  /// `view`, or one that passes everything on to it and to the webhook. Both must outlive the run.
  RunView& around(RunView& view);
  /// For FleetRun::roll_out: null where there are no hooks.
  RolloutGate* gate();
  /// The run is over: the last hook runs, metrics are written, what is still to be posted is
  /// posted. What went wrong with all that from the beginning on, one sentence each. When a person
  /// told us twice to stop, nothing of it holds us up: hooks are ended and not begun, what was not
  /// posted is not posted, and that is told. A SIGINT or SIGTERM that comes while this runs ends it
  /// in the same way; it does not end the process. Where another controller has taken over, the
  /// last hook is not run and metrics are not written: both are that one's.
  std::vector<std::string> end(const RunEnd& end);

private:
  const Fleet& fleet_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::vector<std::string> troubles_;
  std::unique_ptr<RolloutHooks> hooks_;
  std::unique_ptr<Webhook> webhook_;
  std::unique_ptr<RunView> tee_;
};

}  // namespace kongfleet::controller
