// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/fleet_file.hpp"
#include "controller/toml_fields.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// The parts of parse_fleet, one for each kind of table. All throw as it does.

FleetPlugin read_plugin_entry(const TomlDocument& document, const TomlEntry& entry,
                              const FleetFilePlace& place);
/// fleet.plugins are there already.
ProbeSpec read_probe(const TomlDocument& document, const TomlEntry& entry, const Fleet& fleet);
/// Fills fleet.groups and fleet.hosts; fleet.plugins and fleet.probes are there already.
/// `inventory` is null where the file names none.
void read_groups(const TomlDocument& document, const TomlValue& groups, const Inventory* inventory,
                 Fleet& fleet);

InventorySource read_inventory_source(const TomlFields& fields, const FleetFilePlace& place);
/// What a person should know of an inventory whose hosts are in the fleet, one sentence each.
std::vector<std::string> notes_on_inventory(const Inventory& inventory, const Fleet& fleet);

/// `policy` is the [rollout] these hooks will run in.
FleetHooks read_hooks(const TomlFields& fields, const FleetFilePlace& place,
                      const RolloutPolicy& policy);
FleetWebhook read_webhook(const TomlFields& fields, const FleetFilePlace& place);
/// The path of the textfile.
std::filesystem::path read_metrics(const TomlFields& fields, const FleetFilePlace& place);

/// A command: a list of words, or a text that is split into them. The program is looked up in PATH;
/// with a '/' in it, it is a path as read_path has it.
std::vector<std::string> read_command(const TomlDocument& document, const TomlValue& value,
                                      const std::string& key, const FleetFilePlace& place);

/// A path of the fleet file: relative to the file's directory, or to the home directory after "~/".
std::filesystem::path read_path(const TomlDocument& document, const TomlValue& value,
                                const std::string& key, const FleetFilePlace& place);
/// Throws at `at` unless `name` is [A-Za-z0-9][A-Za-z0-9_.-]{0,63}: no selector can misread it.
/// `what`: "group".
void check_plain_name(const TomlDocument& document, TomlPosition at, const std::string& name,
                      const std::string& what);

}  // namespace kongfleet::controller
