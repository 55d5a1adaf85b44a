// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/run_view.hpp"

#include <chrono>
#include <string>

namespace kongfleet::controller {

/// Whether a sync has something to say: it changed a host, or all is not as it should be.
bool has_news(const RunEnd& end);

/// What a sync came to, as one line for a log; the hosts' counts add up. Pure.
///
///     sync id=sync-20261127T031500-3fa9 fleet=edge exit=2 hosts=20 changed=1 unchanged=18
///     poisoned=1 failed=0 other=0 seconds=12.345
std::string sync_summary(const std::string& fleet, const RunEnd& end,
                         std::chrono::milliseconds took);

}  // namespace kongfleet::controller
