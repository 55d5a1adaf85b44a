// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/inventory.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Where a fleet's inventory comes from: a file of Ansible's, or a command that prints one.
struct InventorySource {
  std::string where;                 // "fleet.toml:12:11", for messages
  std::filesystem::path file;        // empty: the command
  std::vector<std::string> command;  // argv; no shell
  std::filesystem::path directory;   // where the command runs
  std::chrono::milliseconds timeout{30'000};
};

using InventoryLoader = std::function<Inventory(const InventorySource&)>;

/// Reads the inventory as Ansible does. A file is YAML by its name (.yml, .yaml, .json), or without
/// an ending when it is YAML; else it is INI. Directories group_vars and host_vars beside it count.
/// A command prints the JSON of a dynamic inventory; it may take its time and print 64 MiB. Throws
/// Error: with the place in the inventory, or for a command that fails with what it said.
Inventory load_inventory(const InventorySource& source);

}  // namespace kongfleet::controller
