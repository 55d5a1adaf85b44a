// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kongfleet::controller {

struct YamlNode;
class YamlBudget;
/// Shared: an alias is the very node of its anchor, so nothing grows when aliases pile up.
using YamlPointer = std::shared_ptr<const YamlNode>;

struct YamlNode {
  enum class Kind { Scalar, List, Mapping };
  Kind kind = Kind::Scalar;
  std::size_t line = 1;
  std::size_t column = 1;
  std::string text;        // of a scalar
  std::string tag;         // as written, or empty: "!vault"
  bool plain = false;      // a scalar without quotes, which may mean a number or nothing at all
  std::size_t height = 1;  // levels from here down, through aliases too
  std::vector<YamlPointer> items;
  std::vector<std::pair<YamlPointer, YamlPointer>> pairs;  // in the file's order

  bool is_null() const;  // "~", "null", or nothing behind the ':'
  /// A plain scalar that YAML reads as a number, a truth value or a date: no text.
  bool is_typed() const;
  /// The pairs with what "<<" merges in, each key once, the last of them: whoever reads a mapping
  /// reads these. Keys that are no scalars are left out. Spends one for each pair it sees.
  std::vector<std::pair<YamlPointer, YamlPointer>> merged(YamlBudget& budget) const;
};

/// How much may still be read of one file. Aliases make a small file mean a huge one; reading it
/// ends with an Error then, and not with the last of the memory.
class YamlBudget {
public:
  explicit YamlBudget(std::string name) : name_(std::move(name)) {}
  void spend(const YamlNode& at);
  /// "hosts.yml:4:7"
  std::string where(const YamlNode& node) const;

private:
  std::string name_;
  std::size_t left_ = 2'000'000;
};

/// The one document of a YAML file, as libyaml reads it, which is also what Ansible reads YAML
/// with. Null for a file without one. `name` is what messages begin with; at most 64 levels deep,
/// and one million nodes. Throws Error("NAME:LINE:COLUMN: what was found; what would be right").
YamlPointer read_yaml(std::string_view text, const std::string& name);

}  // namespace kongfleet::controller
