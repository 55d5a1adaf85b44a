// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/inventory.hpp"

#include "controller/host_pattern.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

namespace kongfleet::controller {

namespace {

// Of those of one meaning the later goes before the earlier, as with Ansible's ssh connection.
constexpr std::array<std::string_view, 2> address_names = {"ansible_host", "ansible_ssh_host"};
constexpr std::array<std::string_view, 2> port_names = {"ansible_port", "ansible_ssh_port"};
constexpr std::array<std::string_view, 2> user_names = {"ansible_user", "ansible_ssh_user"};
constexpr std::array<std::string_view, 2> key_names = {"ansible_private_key_file",
                                                       "ansible_ssh_private_key_file"};

struct Unfollowed {
  std::string_view name;
  std::string_view instead;
};
constexpr std::array<Unfollowed, 10> unfollowed_names = {{
    {"ansible_connection", "kongfleet always connects by SSH"},
    {"ansible_ssh_common_args", "ssh_config can say the same, as with ProxyJump"},
    {"ansible_ssh_extra_args", "ssh_config can say the same"},
    {"ansible_ssh_args", "ssh_config can say the same"},
    {"ansible_sftp_extra_args", "kongfleet uses no sftp"},
    {"ansible_ssh_executable", "kongfleet runs no ssh"},
    {"ansible_password", "kongfleet logs in with keys"},
    {"ansible_ssh_password", "kongfleet logs in with keys"},
    {"ansible_ssh_pass", "kongfleet logs in with keys"},
    {"ansible_ssh_host_key_checking", "an unknown host key is always refused"},
}};
// What ansible_connection may be without meaning anything else than SSH.
constexpr std::array<std::string_view, 5> ssh_connections = {"ssh", "smart", "paramiko",
                                                             "paramiko_ssh", "ansible.builtin.ssh"};

constexpr std::size_t user_max = 64;

template <class Names>
bool among(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <class Names>
const InventoryValue* last_of(const InventoryVariables& variables, const Names& names) {
  const InventoryValue* found = nullptr;
  for (const auto name : names) {
    const auto place = variables.find(std::string(name));
    if (place == variables.end() || place->second.kind == InventoryValue::Kind::Null) continue;
    found = &place->second;
  }
  return found;
}

[[noreturn]] void fail(const InventoryValue& value, const std::string& what) {
  throw Error(value.where + ": " + what);
}

const std::string& plain(const InventoryValue& value, const std::string& what) {
  if (value.kind == InventoryValue::Kind::Opaque) {
    fail(value, "found a value for " + what + " that is no plain text; write it as it is");
  }
  if (value.text.find("{{") != std::string::npos || value.text.find("{%") != std::string::npos) {
    fail(value, "found the template \"" + printable(value.text, 100) + "\" for " + what +
                    "; kongfleet evaluates no templates: write the value, or let " +
                    "'ansible-inventory --list' be the [inventory] command");
  }
  return value.text;
}

std::string read_address(const InventoryValue& value) {
  const auto& text = plain(value, "a host's address");
  const bool bare_v6 = text.find(':') != std::string::npos && !text.starts_with('[');
  try {
    const auto found = expand_host_pattern(bare_v6 ? "[" + text + "]" : text);
    if (found.size() == 1 && !found.front().port) return found.front().name;
  } catch (const BadHostPattern&) {  // told below, with its place
  }
  fail(value, "found \"" + printable(text, 100) +
                  "\" as a host's address; it is a DNS name, an IPv4 or an IPv6 address");
}

std::uint16_t read_port(const InventoryValue& value) {
  const auto& text = plain(value, "a port");
  std::uint32_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, port);
  const bool good =
      error == std::errc() && last == end && text.size() <= 5 && text[0] != '0' && port <= 65'535;
  if (!good) {
    fail(value,
         "found \"" + printable(text, 100) + "\" as a port; a port is a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

std::string read_user(const InventoryValue& value) {
  const auto& text = plain(value, "a user");
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  const bool good = !text.empty() && text.size() <= user_max && text[0] != '-' && text[0] != '.' &&
                    std::all_of(text.begin(), text.end(), allowed);
  if (!good) {
    fail(value, "found \"" + printable(text, 100) +
                    "\" as a user; it has letters, digits, '_', '-' and '.', and begins with none "
                    "of the last two");
  }
  return text;
}

bool follows(const std::string& name, const InventoryValue& value) {
  if (value.kind == InventoryValue::Kind::Null) return true;
  return name == "ansible_connection" && value.kind == InventoryValue::Kind::Text &&
         among(ssh_connections, value.text);
}

}  // namespace

bool is_reach_variable(const std::string& name) {
  return among(address_names, name) || among(port_names, name) || among(user_names, name) ||
         among(key_names, name) ||
         std::any_of(unfollowed_names.begin(), unfollowed_names.end(),
                     [&](const Unfollowed& one) { return one.name == name; });
}

HostReach Inventory::reach(const std::string& host) const {
  const auto& variables = hosts.at(host);
  HostReach reach;
  if (const auto* value = last_of(variables, address_names)) reach.address = read_address(*value);
  if (const auto* value = last_of(variables, port_names)) reach.port = read_port(*value);
  if (const auto* value = last_of(variables, user_names)) reach.user = read_user(*value);
  if (const auto* value = last_of(variables, key_names)) {
    reach.identity_files.push_back(plain(*value, "a key file"));
  }
  return reach;
}

std::vector<std::string> unfollowed(const Inventory& inventory,
                                    const std::vector<std::string>& hosts) {
  std::vector<std::string> notes;
  for (const auto& [name, instead] : unfollowed_names) {
    std::vector<std::string> with_it;
    std::set<std::string> places;
    for (const auto& host : hosts) {
      const auto found = inventory.hosts.find(host);
      if (found == inventory.hosts.end()) continue;
      const auto value = found->second.find(std::string(name));
      if (value == found->second.end() || follows(value->first, value->second)) continue;
      with_it.push_back(host);
      places.insert(value->second.where);
    }
    if (with_it.empty()) continue;
    notes.push_back(*places.begin() + ": " + std::string(name) + " of " + quoted_list(with_it) +
                    " is not followed: " + std::string(instead));
  }
  return notes;
}

}  // namespace kongfleet::controller
