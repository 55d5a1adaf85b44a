// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/state_backend.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace kongfleet::controller {

/// The database a controller remembers in: [fleet] state. Whatever dies, it is as it was after one
/// of the deeds that were done `together`, and what such a deed wrote lasts when it returns. Used
/// from one thread.
class StateDatabase {
public:
  using Mode = StateMode;
  using Surroundings = StateSurroundings;

  /// `location` as Fleet::state has it. Throws Error, with advice and without a password, when
  /// there is no such state to look at, when it cannot be opened, lies in a file that other
  /// machines share, is of another program or of a newer kongfleet: it is left untouched then.
  /// Declined (exit 75) when another process keeps it locked.
  StateDatabase(const std::string& location, Mode mode, Surroundings surroundings);
  StateDatabase(const std::string& location, Mode mode) : StateDatabase(location, mode, {}) {}
  ~StateDatabase();
  StateDatabase(const StateDatabase&) = delete;
  StateDatabase& operator=(const StateDatabase&) = delete;

  /// Does all that `deed` writes, or, when it throws, nothing of it. No other controller writes
  /// meanwhile. Throws Error "state 'NAME': why" for whatever the database says, Declined as above,
  /// and what `deed` throws.
  void together(const std::function<void(soci::session&)>& deed);
  /// The same for a deed that only reads: it sees one state of the whole.
  void look(const std::function<void(soci::session&)>& deed);

  /// Tells Surroundings::tell why there is a wait.
  void tell(const std::string& why) const {
    if (tell_) tell_(why);
  }

private:
  void run(bool writes, const std::function<void(soci::session&)>& deed);

  Tell tell_;
  std::unique_ptr<StateBackend> backend_;
};

/// Whether there is something to look at. Throws Error where that is not to be had.
bool state_exists(const std::string& location);

/// Now, in milliseconds since 1970: times are remembered so. In one process they never go back,
/// whatever is set meanwhile: the wall clock is read once, CLOCK_BOOTTIME from then on.
std::int64_t wall_clock_ms();

}  // namespace kongfleet::controller
