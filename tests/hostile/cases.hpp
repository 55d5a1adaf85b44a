// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/hostile/caller.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace kongfleet::hostile {

namespace fs = std::filesystem;

/// What an input leaves on an agent's disk before it is refused.
enum class Leaves {
  Nothing,
  ReceivedContent,  // it comes after a proposal that was good, so it waited in a place of its own
};

/// An input to a real agent, over its socket. `attack` is what is done, and returns what was heard;
/// `wanted` is a part of that, or of what the agent logged meanwhile.
struct WireCase {
  std::string name;
  std::string threat;  // "T9" (tests/hostile/threats.txt)
  std::string wanted;
  std::function<std::string(Caller&)> attack;
  Leaves leaves = Leaves::Nothing;
};
using WireCases = std::vector<WireCase>;

/// An input to a part of the controller or the agent, in a process and a directory of its own,
/// which `make` may fill before. `attempt` returns what was said, or throws it.
struct LocalCase {
  std::string name;
  std::string threat;
  std::string wanted;
  std::function<std::string(const fs::path& directory)> attempt;
  std::function<void(const fs::path& directory)> make = nullptr;
};
using LocalCases = std::vector<LocalCase>;

WireCases path_cases();
WireCases manifest_cases();
WireCases conversation_cases();
WireCases order_cases();
WireCases content_cases();

LocalCases bundle_cases();
LocalCases rock_cases();
LocalCases tree_cases();
LocalCases fleet_cases();
LocalCases setting_cases();
LocalCases inventory_cases();
LocalCases answer_cases();
LocalCases shown_cases();
LocalCases amount_cases();

}  // namespace kongfleet::hostile
