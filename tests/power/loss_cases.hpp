// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/power/power_loss.hpp"

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kongfleet::power {

/// A state of the disk, by its digest, and how many of the recording's marks had been made.
using KnownState = std::pair<Digest, std::size_t>;

/// Where to look for losses of power.
struct LossSearch {
  std::set<std::string> missing;  // sites whose syncs are taken to be not there
  Thoroughness thoroughness;
  std::set<KnownState> known;  // what is left out
};

/// One state that loss of power may leave, and one way that leads to it.
struct FoundState {
  PowerLoss loss;
  std::size_t marks = 0;
  DiskTree disk;
  Digest digest;
};

/// Calls `look` with each state that loss of power may leave at any moment of the run, in the order
/// of the moments, each once for every number of marks, until that returns false.
void each_loss(const Recording& recording, const LossSearch& search,
               const std::function<bool(const FoundState&)>& look);

/// A state to try, and all that may be known outside when a disk holds it.
struct LossCase {
  PowerLoss loss;
  std::set<std::size_t> marks;
};

/// Calls `try_one` with each case and its state. They must be in order of
/// moments.
void each_case(const Recording& recording, const std::set<std::string>& missing,
               const std::vector<LossCase>& cases,
               const std::function<void(const LossCase&, const DiskTree&)>& try_one);

/// For people: the last event before a loss of power, and which pending changes it left out.
std::string describe(const Recording& recording, const PowerLoss& loss,
                     const std::set<std::string>& missing);

/// The sites of all syncs of the programs under test.
std::set<std::string> sites_of(const Recording& recording);

}  // namespace kongfleet::power
