// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/host_link.hpp"
#include "controller/ssh_settings.hpp"

namespace kongfleet::controller {

/// What this user's SSH is, and what [ssh] of the fleet file says over it. Throws Error when the
/// user has no name.
SshSettings ssh_settings_of(const Fleet& fleet);

/// Who we are, for those whom we keep out: "ops@deploy-1".
std::string who_we_are(const SshSettings& settings);

/// Where a host is, and who we are there: that the fleet file says first, for the inventory's user
/// is mostly who administers hosts.
HostAddress address_of(const FleetHost& host, const FleetSsh& ssh);

}  // namespace kongfleet::controller
