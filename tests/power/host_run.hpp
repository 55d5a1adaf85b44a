// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"
#include "tests/power/recorded_host.hpp"

namespace kongfleet::power {

/// What a host lives through.
enum class Life {
  Whole,      // everything that an agent does to its disk
  Core,       // the core of it
  Dangerous,  // agents that die between a change and its sync, where two names can't be exchanged
};

/// The life of a host from before its first deploy on, with the real agent. Takes ten seconds,
/// mostly of the agent watching for things to stay as they are.
Recording record_host(const crash::CrashHost& host, Life life, RecordedHost::Options options);

}  // namespace kongfleet::power
