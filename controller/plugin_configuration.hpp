// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/toml_tree.hpp"

#include <string>

namespace kongfleet::controller {

/// A plugin's configuration as Kong's Admin API takes it: the JSON object of the same keys and
/// values as the table `value`. Throws Error as TomlFields does where it is no table, has a date or
/// a number that JSON lacks, or makes more than 60 KiB.
std::string plugin_configuration(const TomlDocument& document, const TomlValue& value);

}  // namespace kongfleet::controller
