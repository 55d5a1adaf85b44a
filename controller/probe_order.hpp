// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "proto/kongfleet.pb.h"

#include <string_view>

namespace kongfleet::controller {

/// Adds the probes of a host as its agent is ordered to run them.
void order_probes(const Fleet& fleet, const FleetHost& host,
                  google::protobuf::RepeatedPtrField<wire::Probe>& to);

/// Whether the agent that said this has that feature (proto/framing.hpp).
bool knows(const wire::Welcome& welcome, std::string_view feature);

/// For an agent that doesn't: throws Error where the host has one.
void refuse_smoke(const Fleet& fleet, const FleetHost& host);

}  // namespace kongfleet::controller
