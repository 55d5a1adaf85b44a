// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/html.hpp"
#include "controller/rollout_memory.hpp"

namespace kongfleet::controller {

/// Waves over time, as a picture in SVG: a line for each host in the order they go, from when its
/// transaction began to when it came to its end, told apart by how it ended; waves side by side in
/// bands. As large for 3 hosts as for 3,000. Nothing where no host was touched.
void add_chart(Html& html, const RememberedRollout& rollout);

/// "good", "bad", "busy" or "idle": the class by which pages tell phases apart.
const char* phase_class(HostPhase phase);

}  // namespace kongfleet::controller
