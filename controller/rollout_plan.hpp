// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/rollout.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// All that a rollout does besides its releases: fixed when it begins, whatever becomes of the
/// fleet file meanwhile.
struct RolloutPlan {
  RolloutRules rules;
  std::chrono::milliseconds deadline{0};
  std::chrono::milliseconds confirm_timeout{0};
  std::vector<FleetHost> hosts;  // in the order they go
  std::vector<ProbeSpec> probes;
};

/// As text that read_plan reads.
std::string text_of(const RolloutPlan& plan);
/// Throws Error for what text_of did not write.
RolloutPlan read_plan(const std::string& text);

}  // namespace kongfleet::controller
