// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_memory.hpp"

#include "tree_fixture.hpp"
#include <string>

namespace kongfleet::controller {

/// A fleet whose state is a file of the test's own.
class StateFixture {
public:
  StateFixture();
  std::filesystem::path file() const { return scratch_.path() / "edge.db"; }
  std::string location() const { return "sqlite:" + file().string(); }
  FleetMemory open() const { return {fleet_, StateDatabase::Mode::Write}; }
  const ScratchDirectory& scratch() const { return scratch_; }

private:
  ScratchDirectory scratch_;
  Fleet fleet_;
};

/// A rollout that has just begun, with hosts "host-1" and up.
RememberedRollout begun(const std::string& id, std::size_t hosts);
/// my-plugin at `version`; `body` makes its content another one.
Release plugin_release(const std::string& version, const std::string& body = "");
/// An outcome with bytes in it that text does not have.
wire::Outcome strange_outcome();

}  // namespace kongfleet::controller
