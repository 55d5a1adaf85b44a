// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/config.hpp"
#include "agent/gateway.hpp"

namespace kongfleet::agent {

/// The daemon: resolves what was left open, then answers conversations until SIGTERM or SIGINT. One
/// thread for each, as many at once as there are places (agent/places.hpp). Returns the exit code.
/// Throws Error when it can't start.
int serve(const Config& config, Gateway& gateway);

/// What runs at boot before Kong: resolves what was left open and exits. Does nothing where the
/// daemon runs already.
int recover_now(const Config& config, Gateway& gateway);

}  // namespace kongfleet::agent
