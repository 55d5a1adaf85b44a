// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout.hpp"

#include <optional>

namespace kongfleet::controller {

/// What a host says of the transaction that was remembered for it.
enum class HostAnswer {
  Silent,    // it does not answer, or not in time
  Unknown,   // it never heard of that transaction, or forgot it for another one
  Trial,     // it waits, proven, for the controller to come back
  Kept,      // it was confirmed
  Undone,    // it went back by itself: the trial was not renewed, or agent or host ended
  Failed,    // it went back because the release does harm there
  Refused,   // it refused, before anything changed
  Stranded,  // the way back failed
};

/// What an unfinished rollout is taken up again for.
enum class TakenUp {
  AfterDeath,  // its controller died: what was decided stays decided
  AfterStop,   // it was paused or interrupted: a person wants what failed to be tried again
  ToTakeBack,  // it is aborted, or was going back already
};

/// How a host begins when its rollout is taken up again.
struct TakenUpHost {
  HostPhase phase = HostPhase::Waiting;
  bool anew = false;  // its next transaction is a new one: agents do nothing twice
  bool operator==(const TakenUpHost&) const = default;
};

/// Whether what is remembered of a host leaves open how it stands, so that it is to be asked.
bool is_to_be_asked(HostPhase remembered, TakenUp why);

/// What a host's remembered phase, and what it says now, mean. `answer` is of no account where the
/// host is not to be asked.
TakenUpHost take_up(HostPhase remembered, HostAnswer answer, TakenUp why);

}  // namespace kongfleet::controller
