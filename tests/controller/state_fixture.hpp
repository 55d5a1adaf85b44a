// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_memory.hpp"

#include <sys/types.h>

#include "tree_fixture.hpp"
#include <string>

namespace kongfleet::controller {

/// A fleet whose state is a file of the test's own; or, where KONGFLEET_TEST_POSTGRESQL is the URI
/// of a database, in a new schema there.
class StateFixture {
public:
  StateFixture();
  std::filesystem::path file() const { return scratch_.path() / "edge.db"; }
  const std::string& location() const { return fleet_.state; }
  FleetMemory open() const { return {fleet_, StateDatabase::Mode::Write}; }
  const ScratchDirectory& scratch() const { return scratch_; }

private:
  ScratchDirectory scratch_;
  Fleet fleet_;
};

/// Another process that has a state locked, until it is ended.
class StateLocker {
public:
  explicit StateLocker(const StateFixture& state);
  ~StateLocker() { end(); }
  StateLocker(const StateLocker&) = delete;
  StateLocker& operator=(const StateLocker&) = delete;
  void end();
  pid_t process() const { return process_; }

private:
  pid_t process_ = 0;
};

/// A rollout that has just begun, with hosts "host-1" and up.
RememberedRollout begun(const std::string& id, std::size_t hosts);
/// my-plugin at `version`; `body` makes its content another one.
Release plugin_release(const std::string& version, const std::string& body = "");
/// An outcome with bytes in it that text does not have.
wire::Outcome strange_outcome();

}  // namespace kongfleet::controller
