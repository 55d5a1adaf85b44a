// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// All that is known of a host after HostRun::check_up(): what only this side can tell (whether it
/// can be reached, its agent's version, its clock), then what its agent said. Text is printable and
/// bounded, verdicts are RIGHT, WARNING or WRONG, and HOST in a command is the host. Commands for
/// this side are about the host's fleet, as it was named to us, and the way we go to it. Pure.
std::vector<wire::Check> checks_of(const HostRun& host);

/// Whether a host's agent is as old or new as we are: `ours` and its own, "0.1.0". `upgrade`: the
/// command that makes it ours.
wire::Check agent_check(const std::string& ours, const std::string& its,
                        const std::string& upgrade);
/// Whether a host's clock agrees with ours, as far as the time that the question took tells.
wire::Check clock_check(const CheckupAnswer& answer);

}  // namespace kongfleet::controller
