// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout_memory.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// What a rollback of `selected` (labels) does besides to `open`, a rollout that is not over and
/// may have other hosts: it ends it, and the hosts it leaves out stay as they are. A sentence, to
/// be told before it is done. Pure.
std::string rollback_notice(const RememberedRollout& open,
                            const std::vector<std::string>& selected);

}  // namespace kongfleet::controller
