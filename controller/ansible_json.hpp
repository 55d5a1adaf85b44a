// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ansible_data.hpp"

#include <string>
#include <string_view>

namespace kongfleet::controller {

/// Reads what a program prints that is a dynamic inventory of Ansible's ("--list") into `data`:
/// groups as lists of hosts or as objects with "hosts", "children" and "vars", and the hosts'
/// variables in "_meta". Without "_meta" hosts have none, which is noted: the program is not called
/// again for each host. `name` is what messages begin with. Throws Error("NAME: …"), with line and
/// column where it is no JSON.
void read_ansible_json(std::string_view text, const std::string& name, AnsibleData& data);

}  // namespace kongfleet::controller
