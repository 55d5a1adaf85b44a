// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/release.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::simulation {

/// What all stories of a process share: what they roll out, and a directory for their state.
class Library {
public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  const std::vector<controller::Release>& releases() const { return releases_; }
  /// A new, empty state, as Fleet::state has it; the one before is gone.
  std::string fresh_state() const;

private:
  std::filesystem::path directory_;
  std::vector<controller::Release> releases_;
};

/// How a story ended.
struct StoryEnd {
  std::string violation;  // empty: all invariants held
  std::uint64_t digest = 0;
  std::size_t events = 0;
};

/// Plays the story of one seed: a fleet, what happens to it, and the controllers that come and go
/// until nothing is undecided any more. `trace`: where every event is told; null: nowhere.
StoryEnd play(const Library& library, std::uint64_t seed, std::vector<std::string>* trace);

}  // namespace kongfleet::simulation
