// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/host_plan.hpp"
#include "agent/transactions.hpp"
#include "proto/kongfleet.pb.h"

#include <string>

namespace kongfleet::agent {

/// What one probe may have at the most; one that has more is refused.
constexpr int probe_headers_max = 32;

// Our own types to generated ones and back; generated types stop at the session.
wire::HostState to_wire(const HostState& state);
wire::Plan to_wire(const HostPlan& plan);
wire::Outcome to_wire(const Outcome& outcome, const HostState& host);
wire::Refused to_wire(const Refusal& refusal);
/// Without the clock's times.
wire::Checkup to_wire(const std::vector<Check>& checks);

/// Throws Error for a probe that no controller may order or that makes no sense.
ProbeSpec from_wire(const wire::Probe& probe);

}  // namespace kongfleet::agent
