// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace kongfleet::agent {

namespace json = boost::json;

namespace {

json::object to_json(const OpenRecord& open) {
  json::object object{{"id", open.id},
                      {"holder", open.holder},
                      {"step", step_name(open.step)},
                      {"to", open.to},
                      {"to_digest", open.to_digest},
                      {"conf", open.conf},
                      {"conf_old", open.conf_old},
                      {"conf_new", open.conf_new},
                      {"conf_restore", open.conf_restore},
                      {"since", open.since},
                      {"cause", open.cause}};
  // A journal of kong.conf looks as it did before there were other kinds.
  if (open.kind != ConfigurationKind::KongConf) object["kind"] = kind_name(open.kind);
  return object;
}

std::string text(const json::object& from, std::string_view key) {
  return std::string(from.at(key).as_string());
}

std::uint64_t count(const json::object& from, std::string_view key) {
  return from.at(key).to_number<std::uint64_t>();
}

OpenRecord open_record(const json::object& from) {
  OpenRecord open;
  open.id = text(from, "id");
  open.holder = text(from, "holder");
  const auto step = step_of(text(from, "step"));
  if (!step) throw Error("journal: no step is called '" + text(from, "step") + "'");
  open.step = *step;
  open.to = count(from, "to");
  open.to_digest = text(from, "to_digest");
  open.conf = text(from, "conf");
  open.conf_old = text(from, "conf_old");
  open.conf_new = text(from, "conf_new");
  open.conf_restore = text(from, "conf_restore");
  open.since = from.at("since").to_number<std::int64_t>();
  open.cause = text(from, "cause");
  if (from.if_contains("kind") == nullptr) return open;
  const auto kind = kind_of(text(from, "kind"));
  if (!kind) throw Error("journal: no kind of file is called '" + text(from, "kind") + "'");
  open.kind = *kind;
  return open;
}

constexpr std::size_t earlier_max = 64;  // the record must fit its slot

}  // namespace

void HostRecord::advance(std::uint64_t number, const std::string& digest) {
  earlier.push_back(committed);
  if (earlier.size() > earlier_max) earlier.erase(earlier.begin());
  committed = number;
  committed_digest = digest;
}

void HostRecord::go_back(std::uint64_t number, const std::string& digest) {
  const auto at = std::find(earlier.begin(), earlier.end(), number);
  earlier.erase(at, earlier.end());
  committed = number;
  committed_digest = digest;
}

std::string to_text(const HostRecord& record) {
  json::object object{{"committed", record.committed},
                      {"committed_digest", record.committed_digest},
                      {"earlier", json::value_from(record.earlier)},
                      {"last_number", record.last_number},
                      {"last_id", record.last_id},
                      {"last_end", record.last_end},
                      {"last_cause", record.last_cause}};
  if (record.open) object["open"] = to_json(*record.open);
  return json::serialize(object);
}

HostRecord parse_host_record(std::string_view record_text) {
  try {
    const auto value = json::parse({record_text.data(), record_text.size()});
    const auto& object = value.as_object();
    HostRecord record;
    record.committed = count(object, "committed");
    record.committed_digest = text(object, "committed_digest");
    record.earlier = json::value_to<std::vector<std::uint64_t>>(object.at("earlier"));
    record.last_number = count(object, "last_number");
    record.last_id = text(object, "last_id");
    record.last_end = text(object, "last_end");
    record.last_cause = text(object, "last_cause");
    const auto* open = object.if_contains("open");
    if (open != nullptr) record.open = open_record(open->as_object());
    return record;
  } catch (const std::exception& error) {
    throw Error("journal: its record can't be read: " + std::string(error.what()));
  }
}

}  // namespace kongfleet::agent
