// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/inventory_source.hpp"

#include "controller/ansible_ini.hpp"
#include "controller/ansible_json.hpp"
#include "controller/ansible_vars_files.hpp"
#include "controller/ansible_yaml.hpp"
#include "controller/child_process.hpp"
#include "controller/durations.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr std::size_t output_max = std::size_t{64} << 20;  // 100,000 hosts with much said of each

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return printable(text, 200);
}

Inventory read_as_yaml(const std::string& text, const std::string& name,
                       const std::filesystem::path& file) {
  AnsibleData data(name);
  read_ansible_yaml(text, name, data);
  read_variable_files(file.parent_path(), data);
  return data.finish();
}

Inventory read_as_ini(const std::string& text, const std::string& name,
                      const std::filesystem::path& file) {
  AnsibleData data(name);
  read_ansible_ini(text, name, data);
  read_variable_files(file.parent_path(), data);
  return data.finish();
}

// A name without an ending may be either; what is no YAML at all is INI, as with Ansible.
bool is_yaml(const std::string& text, const std::string& name) {
  try {
    AnsibleData data(name);
    read_ansible_yaml(text, name, data);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Inventory load_file(const InventorySource& source) {
  const auto name = source.file.string();
  if (std::filesystem::is_directory(source.file)) {
    throw Error(source.where + ": '" + name +
                "' is a directory; name the inventory's file in it, or write "
                "command = \"ansible-inventory -i DIRECTORY --list\"");
  }
  std::string text;
  try {
    text = read_inventory_file(source.file);
  } catch (const Error& error) {
    throw Error(source.where + ": " + error.what());
  }
  const auto ending = source.file.extension();
  if (text.starts_with("#!") && ending != ".yml" && ending != ".yaml") {
    throw Error(source.where + ": '" + name + "' is a program; write command = [\"" +
                source.file.filename().string() + "\", \"--list\"] instead of ansible");
  }
  if (text.starts_with("$ANSIBLE_VAULT")) {
    throw Error(source.where + ": '" + name + "' is encrypted; write " +
                "command = \"ansible-inventory -i FILE --list\" with a password file");
  }
  if (ending == ".toml") {
    throw Error(source.where + ": '" + name + "' is TOML; an inventory is read as INI or YAML");
  }
  if (ending == ".yml" || ending == ".yaml" || ending == ".json") {
    return read_as_yaml(text, name, source.file);
  }
  if (ending.empty() && is_yaml(text, name)) return read_as_yaml(text, name, source.file);
  return read_as_ini(text, name, source.file);
}

Inventory run_command(const InventorySource& source) {
  const auto shown = "the command '" + joined(source.command) + "'";
  ChildResult result;
  try {
    result = run_child(source.command, "", {.output_bytes = output_max, .time = source.timeout},
                       {.directory = source.directory});
  } catch (const Error& error) {
    throw Error(source.where + ": " + shown + ": " + error.what());
  }
  if (result.exit_code != 0) {
    while (result.errors.ends_with('\n')) result.errors.pop_back();
    const auto said =
        result.errors.empty() ? "and said nothing" : "and said: " + printable(result.errors, 4000);
    throw Error(source.where + ": " + shown + " failed with exit code " +
                std::to_string(result.exit_code) + " " + said);
  }
  const auto name = "the output of '" + joined(source.command) + "'";
  AnsibleData data(name);
  read_ansible_json(result.output, name, data);
  return data.finish();
}

}  // namespace

Inventory load_inventory(const InventorySource& source) {
  return source.file.empty() ? run_command(source) : load_file(source);
}

}  // namespace kongfleet::controller
