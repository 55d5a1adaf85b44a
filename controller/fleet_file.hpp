// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/inventory_source.hpp"

#include <filesystem>
#include <string_view>

namespace kongfleet::controller {

/// Where a fleet file stands: what its relative paths start from.
struct FleetFilePlace {
  std::filesystem::path path;  // as the user gave it; messages begin with it
  std::filesystem::path home;  // what "~/" stands for; empty: "~/" is refused
};

/// What load_inventory is where no other file may be looked at: an Error.
Inventory no_inventory(const InventorySource& source);

/// Reads and checks the text of a fleet file (design: "The fleet file"). Pure: it looks at no other
/// file, but for the inventory that the file names, which comes from `load_inventory`.
///
/// Throws Error for the first mistake, as one line: "FILE:LINE:COLUMN: what was found; what would
/// be right". Unknown keys are mistakes. Lines and columns count from 1; inside a text they point
/// at the character in question. Relative paths come out relative to the fleet file's directory.
/// Regular expressions are checked as std::regex::ECMAScript, which is what probes use.
Fleet parse_fleet(std::string_view text, const FleetFilePlace& place,
                  const InventoryLoader& load_inventory = no_inventory);

/// Reads the file at `path`, then as above; "~" is $HOME. Throws Error too when there is no such
/// file, when it cannot be read, and when it is larger than a fleet file can be (4 MiB).
Fleet load_fleet(const std::filesystem::path& path);

}  // namespace kongfleet::controller
