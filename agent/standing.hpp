// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/outcome.hpp"

#include <optional>
#include <string>

namespace kongfleet::agent {

/// What the agent is at, in one line for `systemctl status` (STATUS= of sd_notify(3)). Pure.
std::string standing_text(const std::optional<OpenState>& open);

}  // namespace kongfleet::agent
