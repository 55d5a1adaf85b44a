// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// How a host is reached, as far as an inventory says it. Whatever is set is well-formed: nothing
/// here can be taken for an option, or for anything by a shell.
struct HostReach {
  std::string address;  // instead of the host's name; empty: the name
  std::optional<std::uint16_t> port;
  std::optional<std::string> user;
  std::vector<std::string> identity_files;
  bool operator==(const HostReach&) const = default;
};

/// What an inventory gives a variable. Values that are no plain text or number (lists, tables,
/// encrypted ones) are opaque: only that they are there is known.
struct InventoryValue {
  enum class Kind { Text, Null, Opaque };
  Kind kind = Kind::Text;
  std::string text;
  std::string where;  // "hosts.ini:4:7", or as near as the format allows
  bool operator==(const InventoryValue&) const = default;
};

/// By name. Only variables that say how a host is reached are kept; see is_reach_variable.
using InventoryVariables = std::map<std::string, InventoryValue>;

/// Whether kongfleet looks at the variable `name`: it follows it, or has to tell that it does not.
bool is_reach_variable(const std::string& name);

/// An inventory with everything that groups pass on to their hosts worked out. Its groups hold the
/// hosts of their children too, each once; 'all' and 'ungrouped' are among them.
struct Inventory {
  std::string name;  // for messages: "hosts.ini", "the output of 'cloud-hosts --list'"
  std::map<std::string, std::vector<std::string>> groups;
  std::map<std::string, InventoryVariables> hosts;
  std::vector<std::string> notes;  // what was passed over while reading it

  /// How `host`, which is one of `hosts`, is reached. Throws Error with the place when a value is
  /// no address, port or user, or a template: kongfleet evaluates none.
  HostReach reach(const std::string& host) const;
};

/// One sentence for each variable that would change how some of `hosts` are reached and that
/// kongfleet does not follow, such as ansible_ssh_common_args. Names that are no host of the
/// inventory are passed over.
std::vector<std::string> unfollowed(const Inventory& inventory,
                                    const std::vector<std::string>& hosts);

}  // namespace kongfleet::controller
