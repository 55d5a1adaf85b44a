// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/power/loss_cases.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kongfleet::power {

/// The states that loss of power may leave of one recorded host, tried out: the real agent recovers
/// each, and the host is judged (lost_host.hpp). Each call does so in several lanes (tests/crash).
class LossTrials {
public:
  /// Names at least `states` different ones. `recording` must outlive it.
  LossTrials(const Recording& recording, std::size_t states);
  /// Leaves `most` of them to be tried, drawn by chance; the same seed draws the same.
  void draw(std::size_t most, std::uint64_t seed);

  std::size_t states() const { return cases_.size(); }
  /// Tries them. Each bad one: "LOSS complaint", on one line.
  std::vector<std::string> bad_ones() const;
  /// Takes the syncs of one site after the other away, and tries what else may be left then, until
  /// one is bad: that one, as above. Or an empty string: nothing here needs the sync.
  std::vector<std::string> missed(const std::vector<std::string>& sites) const;
  /// One again, told in detail to standard output. Empty, or the complaint.
  static std::string again(const Recording& recording, const PowerLoss& loss,
                           const std::set<std::string>& missing);

private:
  const Recording& recording_;
  std::vector<LossCase> cases_;  // to be tried: each state once, in the order of moments
  std::set<KnownState> known_;   // all there are, with all that is known outside
};

}  // namespace kongfleet::power
