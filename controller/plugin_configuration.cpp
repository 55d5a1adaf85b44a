// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plugin_configuration.hpp"

#include "controller/toml_fields.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cmath>

namespace kongfleet::controller {

namespace {

namespace json = boost::json;

constexpr std::size_t configuration_max = std::size_t{60} << 10;  // agents take 64 KiB

class Translation {
public:
  explicit Translation(const TomlDocument& document) : document_(document) {}

  // As deep as the file's own nesting, which its parser bounds.
  // NOLINTNEXTLINE(misc-no-recursion)
  json::value value(const TomlValue& from) const {
    if (const auto* flag = std::get_if<bool>(&from.data)) return *flag;
    if (const auto* number = std::get_if<std::int64_t>(&from.data)) return *number;
    if (const auto* text = std::get_if<std::string>(&from.data)) return json::string(*text);
    if (const auto* list = std::get_if<TomlArray>(&from.data)) {
      json::array to;
      for (const auto& element : *list) to.push_back(value(element));
      return to;
    }
    if (const auto* table = std::get_if<TomlTable>(&from.data)) return object(*table);
    const auto* number = std::get_if<double>(&from.data);
    if (number == nullptr || !std::isfinite(*number)) {
      document_.fail(from.at, "found " + describe(from) +
                                  " in a plugin's configuration; Kong is sent JSON, which has "
                                  "text, numbers, true, false, lists and tables");
    }
    return *number;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  json::object object(const TomlTable& from) const {
    json::object to;
    for (const auto& entry : from) to[entry.key] = value(entry.value);
    return to;
  }

private:
  const TomlDocument& document_;
};

}  // namespace

std::string plugin_configuration(const TomlDocument& document, const TomlValue& value) {
  const auto* table = std::get_if<TomlTable>(&value.data);
  if (table == nullptr) {
    document.fail(value.at, "found " + describe(value) +
                                " for 'config'; write config = { greeting = \"hello\" }");
  }
  auto text = json::serialize(Translation(document).object(*table));
  if (text.size() > configuration_max) {
    document.fail(value.at, "the plugin's configuration is too long; as JSON 60 KiB are the most");
  }
  return text;
}

}  // namespace kongfleet::controller
