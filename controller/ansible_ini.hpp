// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ansible_data.hpp"

#include <string>
#include <string_view>

namespace kongfleet::controller {

/// Reads an inventory in Ansible's INI format into `data`: [group], [group:children] and
/// [group:vars], hosts with ranges and "key=value" behind them. `name` is what messages begin with.
/// Throws Error("NAME:LINE:COLUMN: what was found; what would be right").
void read_ansible_ini(std::string_view text, const std::string& name, AnsibleData& data);

}  // namespace kongfleet::controller
