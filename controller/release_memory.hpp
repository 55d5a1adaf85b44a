// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/release.hpp"
#include "controller/state_database.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// What a fleet ever released: each NAME@VERSION with the one content it stands for from then on.
class ReleaseMemory {
public:
  ReleaseMemory(StateDatabase& database, std::string fleet)
      : database_(database), fleet_(std::move(fleet)) {}

  /// Throws Declined (exit 5) when one of them was released before with other content: with both
  /// digests, and when that was.
  void check(const std::vector<Release>& releases);

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
