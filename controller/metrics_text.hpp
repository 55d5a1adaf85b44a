// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/run_view.hpp"

#include <chrono>
#include <string>

namespace kongfleet::controller {

/// What [metrics] says of a run besides its end.
struct RunTimes {
  std::chrono::system_clock::time_point ended;
  std::chrono::milliseconds took{0};
};

/// The last run of a fleet in Prometheus' text format, for the textfile collector.
std::string metrics_text(const std::string& fleet, const RunEnd& end, const RunTimes& times);

}  // namespace kongfleet::controller
