// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"
#include "controller/terminal.hpp"

#include <boost/json/fwd.hpp>

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// What every host runs now, as a table; below it drift, open transactions and what needs a person,
/// by host.
void print_status(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts);
/// The same for a window, and no larger: how many hosts are in which state, then those that are not
/// ready, then as many of the others as there is room for. Its rows.
std::vector<std::string> status_rows(const std::vector<std::unique_ptr<HostRun>>& hosts,
                                     const Window& window);
/// The same as one JSON document, printed or to be added to; and only its array of hosts.
void print_status_json(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts);
boost::json::object status_document(const std::vector<std::unique_ptr<HostRun>>& hosts);
boost::json::array status_json(const std::vector<std::unique_ptr<HostRun>>& hosts);
/// 0: all is as it was left; 2: drift, or a transaction is open, or nothing is known of a host; 4:
/// a host needs a person.
int status_exit_code(const std::vector<std::unique_ptr<HostRun>>& hosts);

}  // namespace kongfleet::controller
