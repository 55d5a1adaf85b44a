// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/power/recording.hpp"

#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::power {

// What a disk may hold after its power was lost at some moment of a recorded run. The rules are
// harsher than any real file system's:
// - what a file holds (and its mode and owner) lasts only by an fsync of the file after the change;
//   by an fdatasync only what it holds;
// - a name lasts only by an fsync of its directory;
// - of all changes that do not last yet, any may be on disk and any may not;
// - one rename, or exchange, is there wholly or not at all; a write may be there in part.

/// The disk at one moment of a run.
struct Moment {
  std::size_t events = 0;            // how many of the recording's events had happened
  DiskTree durable;                  // what lasts
  std::vector<std::size_t> pending;  // events that are changes and do not last yet, in order
};

/// The moments of a recording, from before its first event until after its last one.
class Timeline {
public:
  /// `recording` must outlive it. `missing`: sites whose syncs are taken to be not there.
  explicit Timeline(const Recording& recording, std::set<std::string> missing = {});
  const Moment& now() const { return moment_; }
  /// Goes on by one event. False: there is none left.
  bool advance();

private:
  void sync(const DiskSync& sync);
  void drop_unreachable();

  const Recording& recording_;
  std::set<std::string> missing_;
  Moment moment_;
};

/// One way in which power may have been lost.
struct PowerLoss {
  /// Bytes [from, to) of a pending write are on disk, and the file is that long.
  struct Torn {
    std::size_t pending = 0;
    std::size_t from = 0;
    std::size_t to = 0;
  };
  std::size_t events = 0;  // the moment
  std::vector<bool> kept;  // of that moment's pending changes
  std::optional<Torn> torn;

  /// What the disk holds then.
  DiskTree state(const Recording& recording, const Moment& moment) const;
  /// "1234:0110" or "1234:0110:2/0-512", and back. parse throws Error.
  std::string text() const;
  static PowerLoss parse(const std::string& text);
};

/// How many ways of losing power are looked at, of those there are at one moment.
struct Thoroughness {
  bool each_change = true;         // else only all changes of a kind together
  std::size_t random_subsets = 0;  // besides
  std::uint64_t seed = 1;
};

/// Nothing pending is on disk; all; names only; contents only. With `each_change` also: all but
/// one; one alone; each first part; and one of the last writes torn, among all others or none. Then
/// random subsets.
std::vector<PowerLoss> losses_at(const Recording& recording, const Moment& moment,
                                 const Thoroughness& thoroughness, std::mt19937_64& random);

}  // namespace kongfleet::power
