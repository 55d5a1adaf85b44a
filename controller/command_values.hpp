// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/command_line.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// A mistake in the arguments; the text is what follows "kongfleet: ".
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// What CLI11 writes into, before it is checked.
struct RawArguments {
  std::string fleet_file = "fleet.toml";
  std::string output = "text";
  std::string directory = ".";
  std::string kind;
  std::string tree;
  std::string bundle;
  std::string name;
  std::string version;
  std::string sign;
  std::string fleet;
  std::string serial;
  std::string expires;
  std::vector<std::string> with;
  std::string package;
  std::string login = "root";
  bool sudo = false;
  std::vector<std::string> identities;
  std::string key;
  bool dry_run = false;
  std::string to;
  std::optional<std::string> rollout;
  std::string id;
  std::string page;
  bool watch = false;
  std::string limit = "20";
  std::string splay;
  std::vector<std::string> selectors;
  bool hosts = false;
  bool yes = false;
};

// The values of arguments, checked. Throw UsageError.
OutputFormat read_format(const std::string& text, const std::string& command);
Command read_command(const std::string& name, const RawArguments& raw);

}  // namespace kongfleet::controller
