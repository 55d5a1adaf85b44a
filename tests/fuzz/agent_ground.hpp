// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <functional>
#include <utility>

namespace kongfleet::fuzz {

/// Two stream sockets, connected.
std::pair<agent::Fd, agent::Fd> socket_pair();

/// Lets `talk` be the interpreter of a session of the real agent, beside a Kong to which everything
/// is fine. Whatever it says: nothing is written but the agent's state and its two keys, and
/// afterwards the agent starts again from what it left.
void talk_to_session(const std::function<void(agent::Fd channel)>& talk);

}  // namespace kongfleet::fuzz
