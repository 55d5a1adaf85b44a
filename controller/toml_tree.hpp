// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kongfleet::controller {

/// Where something stands in a file; both count from 1, columns in characters.
struct TomlPosition {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

struct TomlValue;
struct TomlEntry;
/// A date or a time, which no key of ours wants.
struct TomlDate {};
using TomlArray = std::vector<TomlValue>;
/// In the file's order, unlike the library's own tables.
using TomlTable = std::vector<TomlEntry>;

struct TomlValue {
  TomlPosition at;
  std::variant<bool, std::int64_t, double, std::string, TomlDate, TomlArray, TomlTable> data;
};

struct TomlEntry {
  std::string key;
  TomlPosition at;  // of the key; for a table written [a.b], of that line
  TomlValue value;
};

/// A TOML file, parsed, with the means to say where in it a mistake is.
class TomlDocument {
public:
  /// `name` is what messages begin with. Throws Error("NAME:LINE:COLUMN: what was found; what would
  /// be right") when `text` is not TOML.
  TomlDocument(std::string name, std::string text);

  const TomlTable& root() const { return root_; }
  const std::string& text() const { return text_; }
  /// "fleet.toml:12:1"
  std::string where(TomlPosition at) const;
  [[noreturn]] void fail(TomlPosition at, const std::string& what) const;
  /// The position of byte `offset` of the text value `value`, when the file has it there letter for
  /// letter (no escapes in it); else the value's own.
  TomlPosition inside(const TomlValue& value, std::size_t offset) const;

private:
  std::string name_;
  std::string text_;
  TomlTable root_;
};

}  // namespace kongfleet::controller
