// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/recording.hpp"

#include "proto/error.hpp"
#include "tests/power/files.hpp"

#include <boost/json.hpp>

namespace kongfleet::power {

namespace json = boost::json;

namespace {

json::object to_json(const DiskChange& change) {
  return {{"change", static_cast<int>(change.kind)},
          {"inode", change.inode},
          {"directory", change.directory},
          {"name", change.name},
          {"other", change.other},
          {"other_name", change.other_name},
          {"only_name", change.only_name},
          {"offset", change.offset},
          {"bytes", change.bytes},
          {"mode", change.mode},
          {"uid", change.uid},
          {"gid", change.gid}};
}

json::object to_json(const DiskSync& sync) {
  return {{"sync", sync.inode}, {"data_only", sync.data_only}, {"site", sync.site}};
}

json::object to_json(const Mark& mark) { return {{"mark", mark.text}}; }

template <class Number>
Number number(const json::object& from, std::string_view key) {
  return from.at(key).to_number<Number>();
}

std::string text(const json::object& from, std::string_view key) {
  return std::string(from.at(key).as_string());
}

DiskChange change_of(const json::object& from) {
  DiskChange change;
  change.kind = static_cast<DiskChange::Kind>(number<int>(from, "change"));
  change.inode = number<Inode>(from, "inode");
  change.directory = number<Inode>(from, "directory");
  change.name = text(from, "name");
  change.other = number<Inode>(from, "other");
  change.other_name = text(from, "other_name");
  change.only_name = from.at("only_name").as_bool();
  change.offset = number<std::uint64_t>(from, "offset");
  change.bytes = text(from, "bytes");
  change.mode = number<mode_t>(from, "mode");
  change.uid = number<uid_t>(from, "uid");
  change.gid = number<gid_t>(from, "gid");
  return change;
}

DiskEvent event_of(const json::object& from) {
  if (from.contains("change")) return change_of(from);
  if (from.contains("mark")) return Mark{text(from, "mark")};
  return DiskSync{number<Inode>(from, "sync"), from.at("data_only").as_bool(), text(from, "site")};
}

}  // namespace

void Recording::save(const std::filesystem::path& file) const {
  json::array all;
  for (const auto& event : events) {
    all.push_back(std::visit([](const auto& one) { return to_json(one); }, event));
  }
  const json::object whole{{"root", disk.root.string()},
                           {"parts", json::value_from(disk.parts)},
                           {"ignored", json::value_from(disk.ignored)},
                           {"before", before.to_json()},
                           {"events", std::move(all)}};
  put_file(file, json::serialize(whole));
}

Recording Recording::load(const std::filesystem::path& file) {
  try {
    const auto whole = json::parse(content_of(file));
    const auto& object = whole.as_object();
    Recording recording;
    recording.disk.root = text(object, "root");
    recording.disk.parts = json::value_to<std::vector<std::string>>(object.at("parts"));
    recording.disk.ignored = json::value_to<std::vector<std::string>>(object.at("ignored"));
    recording.before = DiskTree::from_json(object.at("before"));
    for (const auto& event : object.at("events").as_array()) {
      recording.events.push_back(event_of(event.as_object()));
    }
    return recording;
  } catch (const std::exception& error) {
    throw Error("read the recording '" + file.string() + "': " + error.what());
  }
}

}  // namespace kongfleet::power
