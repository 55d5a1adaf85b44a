// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

// What Kong's Admin API answers, read without faith: null and nothing where something is not there,
// or of another kind.

inline const boost::json::value* json_member(const boost::json::value* of, std::string_view name) {
  const auto* object = of == nullptr ? nullptr : of->if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

inline std::optional<std::string> json_text(const boost::json::value* value) {
  const auto* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string(text->data(), text->size());
}

/// A list of what `read` makes of a value; lua-cjson writes an empty one as {}.
template <class Item, class Read>
std::optional<std::vector<Item>> json_list(const boost::json::value* value, Read read) {
  if (value == nullptr) return std::nullopt;
  std::vector<Item> items;
  if (const auto* object = value->if_object(); object != nullptr && object->empty()) return items;
  const auto* array = value->if_array();
  if (array == nullptr) return std::nullopt;
  for (const auto& entry : *array) {
    const auto item = read(&entry);
    if (!item) return std::nullopt;
    items.push_back(*item);
  }
  return items;
}

}  // namespace kongfleet::agent
