// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/amounts.hpp"
#include "controller/toml_tree.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// The settings of one table, read strictly: whatever is not as it should be is an Error with file,
/// line, column, what was found and what would be right. Refers to the document and to `value`;
/// both must outlive it.
class TomlFields {
public:
  /// `what` is how messages call the table: "[rollout]". Throws when `value` is no table.
  TomlFields(const TomlDocument& document, const TomlValue& value, std::string what);

  /// Throws at the first key that is not in `keys`.
  void allow_only(const std::vector<std::string>& keys) const;

  /// The value of `key`, or nothing.
  const TomlValue* find(std::string_view key) const;
  /// The same; absent, throws at the table's head that `key` is missing. `example` is how one would
  /// write it.
  const TomlValue& need(const std::string& key, const std::string& example) const;

  const TomlTable& entries() const { return *table_; }
  TomlPosition at() const { return at_; }
  const TomlDocument& document() const { return document_; }
  const std::string& what() const { return what_; }

private:
  const TomlDocument& document_;
  std::string what_;
  TomlPosition at_;
  const TomlTable* table_;
};

/// `lowest` to `highest`, both allowed.
struct IntegerRange {
  std::int64_t lowest;
  std::int64_t highest;
};

struct DurationRange {
  std::chrono::milliseconds shortest;
  std::chrono::milliseconds longest;
};

/// Readers of single values; `key` is for messages. All throw Error as above.
/// Text is not empty and holds no control characters.
const std::string& read_text(const TomlDocument& document, const TomlValue& value,
                             const std::string& key);
std::int64_t read_integer(const TomlDocument& document, const TomlValue& value,
                          const std::string& key, IntegerRange range);
std::chrono::milliseconds read_duration(const TomlDocument& document, const TomlValue& value,
                                        const std::string& key, DurationRange range);
/// A count from 1, or a share such as "10%".
Amount read_amount(const TomlDocument& document, const TomlValue& value, const std::string& key);
/// A list whose every element is text; `example` is how one would write it.
std::vector<const TomlValue*> read_text_list(const TomlDocument& document, const TomlValue& value,
                                             const std::string& key, const std::string& example);

/// `value` in a few words: "the number 5", "the text \"60\"", "a list".
std::string describe(const TomlValue& value);

}  // namespace kongfleet::controller
