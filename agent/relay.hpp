// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

namespace kongfleet::agent {

/// `kongfleet-agent connect`: joins standard input and output (an SSH channel) to the daemon's
/// socket, byte by byte, until the daemon closes. The end of the input is passed on. Never holds
/// more than 64 KiB each way. Returns the exit code.
int relay(int input, int output, const Fd& daemon);

}  // namespace kongfleet::agent
