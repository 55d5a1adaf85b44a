// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/fleet.hpp"
#include "controller/rollout_replay.hpp"
#include "controller/status_view.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Looks at the hosts, and at the rollout that another controller is at or left behind, every two
/// seconds until the program is ended (Ctrl-C) or nobody reads any more: on a terminal as one
/// picture that is painted anew; elsewhere what happens in the rollout line by line, and the whole
/// status again whenever it is another one, with times; as JSON one document a line for every look.
/// Throws Error when SSH can't be set up on our side.
void watch_status(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
                  const Answer& answer);

/// What is remembered while the hosts are looked at.
struct RolloutLook {
  std::optional<RolloutReplay> rollout;  // the one that runs, or was left behind, or ran last
  std::string unknown;                   // why it is not known
};

/// The picture: the rollout above, never more than two thirds of the window; the hosts below. Its
/// rows, fewer than the window is high.
std::vector<std::string> watched_rows(const RolloutLook& look,
                                      const std::vector<std::unique_ptr<HostRun>>& hosts,
                                      const Window& window, std::int64_t now_ms);

}  // namespace kongfleet::controller
