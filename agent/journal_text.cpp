// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>

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

// The record must fit its slot.
constexpr std::size_t earlier_max = 64;
constexpr std::size_t left_max = 16;

void keep_last(std::vector<std::uint64_t>& numbers, std::size_t count) {
  if (numbers.size() > count)
    numbers.erase(numbers.begin(), numbers.end() - static_cast<std::ptrdiff_t>(count));
}

}  // namespace

void HostRecord::advance(std::uint64_t number, const std::string& digest) {
  earlier.push_back(committed);
  keep_last(earlier, earlier_max);
  committed = number;
  committed_digest = digest;
}

void HostRecord::go_back(std::uint64_t number, const std::string& digest) {
  if (number == committed) return;  // its drift was mended
  const auto again = std::find(left.begin(), left.end(), number);
  if (again != left.end()) {
    left.erase(again);
    return advance(number, digest);
  }
  auto at = std::find(earlier.begin(), earlier.end(), number);
  if (at == earlier.end()) at = earlier.begin();  // the baseline, so long ago that it fell out
  std::copy_if(at, earlier.end(), std::back_inserter(left),
               [number](std::uint64_t each) { return each != number; });
  left.push_back(committed);
  keep_last(left, left_max);
  earlier.erase(at, earlier.end());
  committed = number;
  committed_digest = digest;
}

bool HostRecord::was_confirmed(std::uint64_t number) const {
  const auto among = [number](const std::vector<std::uint64_t>& numbers) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
  return number == 0 || number == committed || among(earlier) || among(left);
}

std::set<std::uint64_t> HostRecord::kept(std::size_t keep) const {
  std::set<std::uint64_t> kept{committed};
  for (const auto* numbers : {&earlier, &left}) {
    for (auto each = numbers->rbegin(); each != numbers->rend(); ++each)
      if (kept.size() < std::max<std::size_t>(keep, 2)) kept.insert(*each);
  }
  return kept;
}

std::string to_text(const HostRecord& record) {
  json::object object{{"committed", record.committed},
                      {"committed_digest", record.committed_digest},
                      {"earlier", json::value_from(record.earlier)},
                      {"last_number", record.last_number},
                      {"last_id", record.last_id},
                      {"last_end", record.last_end},
                      {"last_cause", record.last_cause}};
  // A journal of a host that never went back looks as it did before that was remembered.
  if (!record.left.empty()) object["left"] = json::value_from(record.left);
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
    if (const auto* left = object.if_contains("left"))
      record.left = json::value_to<std::vector<std::uint64_t>>(*left);
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
