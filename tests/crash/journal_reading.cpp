// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/journal_reading.hpp"

#include "proto/digest.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <optional>
#include <sstream>

namespace kongfleet::crash {

namespace json = boost::json;

namespace {

constexpr std::size_t slot_bytes = 8192;

struct Slot {
  std::uint64_t sequence = 0;
  std::string record;
};

// "kongfleet-journal 1 SEQUENCE LENGTH SHA256\n" and the record; nothing where it is not whole.
std::optional<Slot> slot_of(std::string_view bytes) {
  const auto line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return std::nullopt;
  std::istringstream line{std::string(bytes.substr(0, line_end))};
  std::string name;
  std::string version;
  std::string sum;
  Slot slot;
  std::size_t length = 0;
  if (!(line >> name >> version >> slot.sequence >> length >> sum)) return std::nullopt;
  if (name != "kongfleet-journal" || version != "1") return std::nullopt;
  if (length > bytes.size() - line_end - 1) return std::nullopt;
  slot.record = bytes.substr(line_end + 1, length);
  const auto counts = std::to_string(slot.sequence) + " " + std::to_string(length);
  if (sha256(counts + slot.record).hex() != sum) return std::nullopt;
  return slot;
}

}  // namespace

JournalReading read_journal(std::string_view bytes) {
  if (bytes.size() != 2 * slot_bytes) throw Error("the journal has not its two slots");
  const auto first = slot_of(bytes.substr(0, slot_bytes));
  const auto second = slot_of(bytes.substr(slot_bytes));
  if (!first && !second) throw Error("no slot of the journal is whole");
  const bool take_first = first && (!second || first->sequence > second->sequence);
  const auto value = json::parse(take_first ? first->record : second->record);
  const auto& record = value.as_object();
  JournalReading journal;
  journal.committed = record.at("committed").to_number<std::uint64_t>();
  journal.committed_digest = std::string(record.at("committed_digest").as_string());
  journal.earlier = json::value_to<std::vector<std::uint64_t>>(record.at("earlier"));
  journal.open = record.contains("open");
  journal.last_id = std::string(record.at("last_id").as_string());
  journal.last_end = std::string(record.at("last_end").as_string());
  return journal;
}

}  // namespace kongfleet::crash
