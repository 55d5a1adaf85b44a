// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"
#include "agent/managed_file.hpp"
#include "agent/steps.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// A transaction that is not over.
struct OpenRecord {
  std::string id;
  std::string holder;
  Step step = Step::Stage;
  std::uint64_t to = 0;   // the generation it goes to
  std::string to_digest;  // hex
  std::string conf;       // kong.conf, or what else is managed, as a real path
  ConfigurationKind kind = ConfigurationKind::KongConf;  // what it is
  std::string conf_old;                                  // digests (hex) of its content: before,
  std::string conf_new;                                  // after the switch,
  std::string conf_restore;                              // and as the way back would leave it
  std::int64_t since = 0;                                // Unix time, for people
  std::string cause;                                     // why it goes back, once it does
  bool operator==(const OpenRecord&) const = default;
};

/// What the agent knows for certain about its host.
struct HostRecord {
  std::uint64_t committed = 0;   // the confirmed generation; 0: the baseline
  std::string committed_digest;  // hex; empty for the baseline
  std::vector<std::uint64_t>
      earlier;  // confirmed before it, oldest first, the baseline as 0: where `rollback` goes
  std::vector<std::uint64_t> left;  // confirmed, and gone back from; who left it last is the last
  std::uint64_t last_number = 0;    // the highest generation number ever given
  std::string last_id;              // the last transaction that ended, and how: so that a repeated
  std::string last_end;             // message is answered, not obeyed twice
  std::string last_cause;
  std::optional<OpenRecord> open;
  bool operator==(const HostRecord&) const = default;

  /// A new generation becomes the confirmed one.
  void advance(std::uint64_t number, const std::string& digest);
  /// A generation confirmed before becomes the confirmed one again. What came after it is no way
  /// back any more, but one may still go there; from there this one is the way back.
  void go_back(std::uint64_t number, const std::string& digest);
  /// Whether one may go back to it: it was confirmed here, and that is not forgotten.
  bool was_confirmed(std::uint64_t number) const;
  /// The generations that stay on disk: `keep` of those that were confirmed, two at least, ways
  /// back before those that were left.
  std::set<std::uint64_t> kept(std::size_t keep) const;
};

/// The journal: one record, overwritten in place in one of two slots of a file that has all its
/// blocks from the start, so that writing it needs no free block (P5) and a torn write leaves the
/// record before it. Not thread-safe.
class Journal {
public:
  /// Opens or creates the file; what is in it may not last yet: see sync(). Throws Error, also for
  /// a journal that a newer version wrote: then nothing may be touched, and the message says what
  /// to do.
  explicit Journal(std::filesystem::path path);
  /// Makes last what the constructor found or made: who wrote it may have died before that. Throws
  /// Error.
  void sync() const;
  const HostRecord& record() const { return record_; }
  /// Makes `record` the truth, durably, before it returns. Throws Error when that is not certain;
  /// then record() is still the old one, and what the disk holds is one of the two.
  /// Causes are kept on one line and cut at 1 KiB: the record must fit its slot.
  void write(const HostRecord& record);
  /// True when the last write() failed, its record closed the transaction that record() has open,
  /// and may be what the disk holds all the same: then nothing may be done that contradicts it.
  bool may_be_over() const { return may_be_over_; }

private:
  void create();
  std::filesystem::path path_;
  Fd file_;
  HostRecord record_;
  std::uint64_t sequence_ = 0;
  bool may_be_over_ = false;
};

/// The record as text and back; what write() and the constructor use. parse throws Error for what
/// it can't know.
std::string to_text(const HostRecord& record);
HostRecord parse_host_record(std::string_view text);

/// Reads the journal without opening it for writing: for `status` by people. An absent one is an
/// empty record.
HostRecord read_journal(const std::filesystem::path& path);

}  // namespace kongfleet::agent
