// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/check_command.hpp"
#include "controller/host_run.hpp"

#include <boost/json/fwd.hpp>

#include <iosfwd>
#include <memory>
#include <vector>

namespace kongfleet::controller {

/// After HostRun::check_up(): a line for each host, and below it what is not right there, each with
/// why that matters and the way to mend it, and then the names of what is right.
void print_checkups(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts);
/// The same as JSON, with what is said of what is right; and the whole document of `check --hosts`.
boost::json::array checkups_json(const std::vector<std::unique_ptr<HostRun>>& hosts);
boost::json::object check_hosts_json(const CheckReport& report,
                                     const std::vector<std::unique_ptr<HostRun>>& hosts);
/// 0: nothing is wrong, warnings aside; 2: something is, or a host can't be asked; 4: a host is
/// stranded and needs a person.
int checkups_exit_code(const std::vector<std::unique_ptr<HostRun>>& hosts);

}  // namespace kongfleet::controller
