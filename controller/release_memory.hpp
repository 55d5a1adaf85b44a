// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/release.hpp"
#include "controller/state_database.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// A NAME@VERSION that was released before with other content.
struct ReleaseConflict {
  static constexpr int exit_code = 5;
  std::string name;
  std::string version;
  std::string digest;           // what its source holds now
  std::string released_digest;  // what it stands for
  std::string rollout;          // that released it
  std::int64_t at_ms = 0;       // when
};
/// As a sentence, with what to do.
std::string text_of(const ReleaseConflict& conflict);

/// What a fleet ever released: each NAME@VERSION with the one content it stands for from then on.
class ReleaseMemory {
public:
  ReleaseMemory(StateDatabase& database, std::string fleet)
      : database_(database), fleet_(std::move(fleet)) {}

  /// Throws Declined (exit 5) when one of them was released before with other content: with both
  /// digests, and when that was.
  void check(const std::vector<Release>& releases);
  /// All that check() would throw for, one by one.
  std::vector<ReleaseConflict> conflicts(const std::vector<Release>& releases);

  /// Part of a deed of `database`: checks as above, then remembers them as what `rollout` releases,
  /// with all their bytes.
  void add(soci::session& sql, const std::vector<Release>& releases, const std::string& rollout);
  /// Likewise: forgets the bytes, but not the digests, of what no rollout needs that may be gone on
  /// with.
  void let_go(soci::session& sql);

  /// The releases of a rollout that may be gone on with, as they were when it began. Throws Error.
  std::vector<Release> of_rollout(const std::string& rollout);

private:
  StateDatabase& database_;
  std::string fleet_;
};

}  // namespace kongfleet::controller
