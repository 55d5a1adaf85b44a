// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads the inventories whose paths come on stdin, one a line, and prints what kongfleet makes of
// each as one line of JSON. A path that ends in ".sh" is a program.
#include "controller/inventory_source.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <iostream>
#include <string>

namespace json = boost::json;
using namespace kongfleet::controller;

namespace {

json::value to_json(const InventoryValue& value) {
  if (value.kind == InventoryValue::Kind::Null) return nullptr;
  if (value.kind == InventoryValue::Kind::Opaque) return json::object{};
  return json::value(value.text);
}

json::object to_json(const Inventory& inventory) {
  json::object groups;
  for (const auto& [name, hosts] : inventory.groups) {
    json::array names;
    for (const auto& host : hosts) names.emplace_back(host);
    groups[name] = std::move(names);
  }
  json::object hosts;
  for (const auto& [name, variables] : inventory.hosts) {
    json::object values;
    for (const auto& [variable, value] : variables) values[variable] = to_json(value);
    hosts[name] = std::move(values);
  }
  return {{"groups", std::move(groups)}, {"hosts", std::move(hosts)}};
}

json::object read(const std::string& path) {
  InventorySource source{.where = "dump"};
  if (path.ends_with(".sh")) {
    source.command = {path, "--list"};
  } else {
    source.file = path;
  }
  try {
    return to_json(load_inventory(source));
  } catch (const kongfleet::Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main() {
  for (std::string path; std::getline(std::cin, path);) {
    std::cout << json::serialize(read(path)) << "\n" << std::flush;
  }
}
