// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/kongfleet.pb.h"

#include <boost/json/fwd.hpp>

namespace kongfleet::controller {

// What hosts said, as the JSON of schema kongfleet/1. Text from a host is made printable on the
// way: JSON is read in terminals too.
boost::json::object host_state_json(const wire::HostState& state);
boost::json::object plan_json(const wire::Plan& plan);
boost::json::object outcome_json(const wire::Outcome& outcome);

}  // namespace kongfleet::controller
