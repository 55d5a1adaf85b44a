// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/config.hpp"

#include <iosfwd>
#include <string>

namespace kongfleet::agent {

/// What is known of this host while its daemon gives no answer, because it can't start, hangs or is
/// not there: what the journal says, read and never written. `why` is how it failed to answer.
/// Prints like `kongfleet-agent status` does, and gives the exit code: 4, a person is needed, for
/// an open transaction or a journal that can't be read; otherwise 1.
int print_silent_agent(const Config& config, const std::string& why, std::ostream& out);

}  // namespace kongfleet::agent
