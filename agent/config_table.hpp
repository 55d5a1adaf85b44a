// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/toml.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// One table of agent.toml, read strictly. Every mistake is an Error "PATH:LINE:COLUMN: found …,
/// expected …". Refers to the table, which must outlive it.
class ConfigTable {
public:
  /// `path` begins messages, `name` is how they call the table: "[kong]", "[[probe]]".
  ConfigTable(std::string path, std::string name, const toml::table& table)
      : path_(std::move(path)), name_(std::move(name)), table_(table) {}

  /// The first key that is not among `keys` is a mistake; the nearest of them is suggested.
  void allow_only(const std::vector<std::string_view>& keys) const;
  const toml::node* find(std::string_view key) const { return table_.get(key); }
  /// The table or array of tables at `key`; `expected` is how one would write it.
  const toml::table* table(std::string_view key, std::string_view expected) const;

  /// Each leaves `value` alone when the key is absent. Text is never empty and has no control
  /// characters.
  void text(std::string_view key, std::string& value) const;
  void absolute_path(std::string_view key, std::string& value) const;
  void number(std::string_view key, unsigned& value, unsigned lowest, unsigned highest) const;
  void size(std::string_view key, std::uint64_t& value) const;
  void duration(std::string_view key, std::chrono::milliseconds& value) const;
  void texts(std::string_view key, std::vector<std::string>& value) const;

  [[noreturn]] void fail(const toml::node& at, const std::string& what) const;
  /// The same, at the table itself.
  [[noreturn]] void fail(const std::string& what) const { fail(table_, what); }
  const toml::table& raw() const { return table_; }
  const std::string& name() const { return name_; }
  ConfigTable inner(const std::string& name, const toml::table& table) const {
    return {path_, name, table};
  }

private:
  std::string path_;
  std::string name_;
  const toml::table& table_;
};

/// A value in a few words: "the text \"on\"", "the number 5", "a table".
std::string described(const toml::node& node);

}  // namespace kongfleet::agent
