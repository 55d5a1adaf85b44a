// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_pattern.hpp"

#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// The hosts that a host entry of an Ansible inventory names, as Ansible reads it:
///
///     web01     web01:2222     web[01:50].example.net     db-[a:f]     rack[0:20:5] 2001:db8::7
///
/// A range "[begin:end:step]" has both its ends; begin may be left out (0), and keeps leading
/// zeros. What is no host name at all is taken as it stands, as Ansible does. Throws
/// BadHostPattern.
std::vector<PatternHost> expand_ansible_hosts(std::string_view entry);

}  // namespace kongfleet::controller
