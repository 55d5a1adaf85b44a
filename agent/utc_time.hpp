// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <string>

namespace kongfleet::agent {

/// "2026-11-23T10:15:00Z", of a Unix time.
std::string utc_text(std::time_t time);

}  // namespace kongfleet::agent
