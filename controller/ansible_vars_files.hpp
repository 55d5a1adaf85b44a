// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ansible_data.hpp"

#include <filesystem>
#include <string>

namespace kongfleet::controller {

/// Reads the variables that lie beside an inventory: in group_vars and host_vars of `directory`, a
/// file or a directory of files for each group and host, with the endings .yml, .yaml, .json or
/// none. An encrypted file is passed over and noted. Throws Error with the place.
void read_variable_files(const std::filesystem::path& directory, AnsibleData& data);

/// The whole of a file of an inventory. Throws Error when it cannot be read, or has more than
/// 16 MiB.
std::string read_inventory_file(const std::filesystem::path& path);

}  // namespace kongfleet::controller
