// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout_memory.hpp"
#include "controller/rollout_picture.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// A rollout (or sync, or rollback) as one who is not its controller can know it: from what is
/// remembered of it. Pure.
struct RolloutReplay {
  RememberedRollout rollout;  // with its hosts; their outcomes are not needed
  std::vector<RememberedEvent> events;
  std::string running;                // the ID of what a living controller is at; empty: none
  std::optional<RolloutRules> rules;  // that it goes by; a rollback has none

  bool runs() const { return rollout.id == running; }
  /// "rollout of ops@deploy-1: running".
  std::string standing() const;
  /// What its controller shows, for a window and no larger, at `now_ms` (since 1970); above it its
  /// standing and, where its controller is gone, what can be done with it; clocks stand still then.
  std::vector<std::string> rows(const Window& window, std::int64_t now_ms) const;
  /// A line with its time for each event from number `first` on; a host that failed with its cause.
  std::vector<std::string> lines(std::size_t first) const;
};

}  // namespace kongfleet::controller
