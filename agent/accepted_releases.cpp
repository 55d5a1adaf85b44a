// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/accepted_releases.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

namespace kongfleet::agent {

namespace json = boost::json;

AcceptedReleases AcceptedReleases::read(const std::filesystem::path& file) {
  AcceptedReleases accepted;
  std::string text;
  if (!read_file_if_there(file, text)) return accepted;
  try {
    const auto value = json::parse(text);
    const auto& object = value.as_object();
    accepted.latest = json::value_to<std::int64_t>(object.at("latest"));
    for (const auto& serial : object.at("serials").as_object())
      accepted.serials[std::string(serial.key())] = json::value_to<std::uint64_t>(serial.value());
    return accepted;
  } catch (const std::exception& error) {
    throw Error(file.string() + " can't be read, which says what signed releases this host took: " +
                printable(error.what(), 200));
  }
}

void AcceptedReleases::write(const std::filesystem::path& file) const {
  json::object named;
  for (const auto& [plugin, serial] : serials) named[plugin] = serial;
  const json::object object{{"latest", latest}, {"serials", named}};
  replace_file(file, json::serialize(object) + "\n", 0600);
}

}  // namespace kongfleet::agent
