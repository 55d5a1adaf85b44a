// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/poison.hpp"

#include "agent/durable_file.hpp"
#include "agent/log.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

namespace kongfleet::agent {

namespace json = boost::json;

namespace {

constexpr std::size_t entries_max = 32;  // who fails more often than that is told anew
constexpr std::size_t cause_max = 1000;

}  // namespace

std::vector<Poison::Entry> Poison::read() const {
  std::string text;
  std::vector<Entry> entries;
  if (!read_file_if_there(file_, text)) return entries;
  json::error_code failed;
  const auto value = json::parse(text, failed);
  if (failed || !value.is_array()) return entries;  // damaged: begun anew
  for (const auto& item : value.as_array()) {
    if (!item.is_object()) continue;
    const auto& object = item.as_object();
    entries.push_back({std::string(object.at("digest").as_string()),
                       std::string(object.at("cause").as_string())});
  }
  return entries;
}

void Poison::write(const std::vector<Entry>& entries) const {
  json::array array;
  for (const auto& entry : entries) {
    array.push_back(json::object{{"digest", entry.digest}, {"cause", entry.cause}});
  }
  replace_file(file_, json::serialize(array) + "\n", 0600);
}

void Poison::add(const Digest& generation, const std::string& cause) const noexcept {
  try {
    auto entries = read();
    std::erase_if(entries, [&](const Entry& entry) { return entry.digest == generation.hex(); });
    entries.push_back({generation.hex(), printable(cause, cause_max)});
    if (entries.size() > entries_max) entries.erase(entries.begin());
    write(entries);
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; the failed generation may be tried again by sync");
  }
}

void Poison::forgive(const Digest& generation) const noexcept {
  try {
    auto entries = read();
    const auto is_it = [&](const Entry& entry) { return entry.digest == generation.hex(); };
    if (std::erase_if(entries, is_it) > 0) write(entries);
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; the generation still counts as failed");
  }
}

std::optional<std::string> Poison::cause(const Digest& generation) const noexcept {
  try {
    for (const auto& entry : read()) {
      if (entry.digest == generation.hex()) return entry.cause;
    }
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; what failed here before is not known");
  }
  return std::nullopt;
}

}  // namespace kongfleet::agent
