// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout_memory.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// What became of a rollout as one page of HTML that needs nothing else: no script, no font, no
/// picture from anywhere. Waves over time as a chart, each host's steps with their durations, and
/// those that failed first, cause before evidence. Light or dark as the reader's system is, and
/// readable on a phone. Pure. `result`: how it stands, in a word or two (history_view.hpp).
std::string report_page(const RememberedRollout& rollout,
                        const std::vector<RememberedEvent>& events, const std::string& result);

}  // namespace kongfleet::controller
