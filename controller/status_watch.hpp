// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/fleet.hpp"

#include <vector>

namespace kongfleet::controller {

/// Looks at the hosts every two seconds until the program is ended (Ctrl-C) or nobody reads any
/// more: on a terminal as one picture that is painted anew, elsewhere the whole status again
/// whenever it is another one, with the time; as JSON one document a line for every look. Throws
/// Error when SSH can't be set up on our side.
void watch_status(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
                  const Answer& answer);

}  // namespace kongfleet::controller
