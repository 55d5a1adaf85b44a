// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/sync_summary.hpp"

#include <cstdio>

namespace kongfleet::controller {

namespace {

struct Counts {
  std::size_t changed = 0, unchanged = 0, failed = 0, other = 0;
};

void count(Counts& counts, const std::vector<std::pair<const HostRun*, HostPhase>>& hosts) {
  for (const auto& [host, phase] : hosts) {
    if (phase == HostPhase::Done) {
      ++counts.changed;
    } else if (phase == HostPhase::Unchanged) {
      ++counts.unchanged;
    } else {
      ++(is_failure(phase) ? counts.failed : counts.other);
    }
  }
}

Counts counts_of(const RunEnd& end) {
  Counts counts;
  count(counts, end.hosts);
  count(counts, end.left_alone);
  return counts;
}

}  // namespace

bool has_news(const RunEnd& end) { return end.exit_code != 0 || counts_of(end).changed > 0; }

std::string sync_summary(const std::string& fleet, const RunEnd& end,
                         std::chrono::milliseconds took) {
  const auto counts = counts_of(end);
  const auto hosts = end.hosts.size() + end.left_alone.size() + end.poisoned.size();
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(took.count()) / 1000);
  return "sync id=" + end.id + " fleet=" + fleet + " exit=" + std::to_string(end.exit_code) +
         " hosts=" + std::to_string(hosts) + " changed=" + std::to_string(counts.changed) +
         " unchanged=" + std::to_string(counts.unchanged) +
         " poisoned=" + std::to_string(end.poisoned.size()) +
         " failed=" + std::to_string(counts.failed) + " other=" + std::to_string(counts.other) +
         " seconds=" + seconds;
}

}  // namespace kongfleet::controller
