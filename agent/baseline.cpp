// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/baseline.hpp"

#include "agent/durable_file.hpp"
#include "agent/kong_conf.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace kongfleet::agent {

namespace json = boost::json;

namespace {

json::value to_json(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

std::optional<std::string> from_json(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  return std::string(value.as_string());
}

}  // namespace

bool Baseline::lists(const std::string& name) const {
  const auto names = split_list(plugins.value_or(""));
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<Baseline> load_baseline(const fs::path& path) {
  std::string text;
  if (!read_file_if_there(path, text)) return std::nullopt;
  try {
    const auto value = json::parse(text);
    const auto& object = value.as_object();
    Baseline baseline;
    baseline.conf = std::string(object.at("conf").as_string());
    baseline.lua_package_path = from_json(object.at("lua_package_path"));
    baseline.plugins = from_json(object.at("plugins"));
    return baseline;
  } catch (const std::exception& error) {
    throw Error("read the baseline '" + path.string() + "': " + error.what());
  }
}

void save_baseline(const fs::path& path, const Baseline& baseline) {
  const json::object object{{"conf", baseline.conf},
                            {"lua_package_path", to_json(baseline.lua_package_path)},
                            {"plugins", to_json(baseline.plugins)}};
  replace_file(path, json::serialize(object) + "\n", 0600);
}

}  // namespace kongfleet::agent
