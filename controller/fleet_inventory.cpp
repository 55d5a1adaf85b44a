// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_words.hpp"
#include "controller/fleet_sections.hpp"
#include "proto/error.hpp"

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr DurationRange timeout_range = {100ms, 1h};

}  // namespace

Inventory no_inventory(const InventorySource& source) {
  throw Error(source.where + ": found [inventory], and no other file can be read here");
}

std::vector<std::string> read_command(const TomlDocument& document, const TomlValue& value,
                                      const std::string& key, const FleetFilePlace& place) {
  std::vector<std::string> words;
  if (std::holds_alternative<TomlArray>(value.data)) {
    for (const auto* word :
         read_text_list(document, value, key, key + " = [\"PROGRAM\", \"WORD\"]")) {
      words.push_back(std::get<std::string>(word->data));
    }
    if (words.empty()) document.fail(value.at, "found no program to run in '" + key + "'");
  } else {
    const auto& text = read_text(document, value, key);
    try {
      words = split_command(text);
    } catch (const Error& error) {
      document.fail(value.at, "'" + key + "': " + error.what());
    }
  }
  if (words[0].find('/') != std::string::npos) {
    const TomlValue program{.at = value.at, .data = words[0]};
    words[0] = std::filesystem::absolute(read_path(document, program, key, place)).string();
  }
  return words;
}

InventorySource read_inventory_source(const TomlFields& fields, const FleetFilePlace& place) {
  const auto& document = fields.document();
  fields.allow_only({"ansible", "command", "timeout"});
  const auto* file = fields.find("ansible");
  const auto* command = fields.find("command");
  if ((file == nullptr) == (command == nullptr)) {
    document.fail(fields.at(),
                  "[inventory] has either ansible = \"hosts.ini\" or command = "
                  "[\"PROGRAM\", \"--list\"]");
  }
  InventorySource source;
  source.where = document.where((file != nullptr ? file : command)->at);
  source.directory = place.path.parent_path();
  if (file != nullptr) source.file = read_path(document, *file, "ansible", place);
  if (command != nullptr) source.command = read_command(document, *command, "command", place);
  if (const auto* timeout = fields.find("timeout")) {
    source.timeout = read_duration(document, *timeout, "timeout", timeout_range);
  }
  return source;
}

std::vector<std::string> notes_on_inventory(const Inventory& inventory, const Fleet& fleet) {
  auto notes = inventory.notes;
  std::vector<std::string> names;
  for (const auto& host : fleet.hosts) names.push_back(host.name);
  for (auto& note : unfollowed(inventory, names)) notes.push_back(std::move(note));
  return notes;
}

}  // namespace kongfleet::controller
