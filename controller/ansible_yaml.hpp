// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ansible_data.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// Reads an inventory in Ansible's YAML format into `data`. `name` is what messages begin with.
/// Throws Error("NAME:LINE:COLUMN: what was found; what would be right").
void read_ansible_yaml(std::string_view text, const std::string& name, AnsibleData& data);

/// Reads a file of group_vars or host_vars, and gives `set` its variables. Throws as above.
void read_ansible_variables(
    std::string_view text, const std::string& name,
    const std::function<void(const std::string& variable, InventoryValue value)>& set);

}  // namespace kongfleet::controller
