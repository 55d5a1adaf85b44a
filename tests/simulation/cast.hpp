// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/simulation/process.hpp"

#include <memory>
#include <vector>

namespace kongfleet::simulation {

/// What a story begins with, drawn by chance.
struct Cast {
  controller::Fleet fleet;
  Truth::Rules rules;
  bool calm = false;  // nothing goes wrong with hosts, network or controller
  bool gated = false;
  bool syncs = false;  // it is cron that brings the release
};

Cast draw_fleet(Chance& chance);
/// What each host runs before, and what will go wrong with it.
void draw_hosts(World& world, const Cast& cast, const std::string& target,
                std::vector<std::unique_ptr<ModelHost>>& hosts);

}  // namespace kongfleet::simulation
