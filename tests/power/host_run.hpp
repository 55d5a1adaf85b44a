// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"
#include "tests/power/recorded_host.hpp"

namespace kongfleet::power {

/// A whole life: everything that an agent does to its disk is in it. Or the core of it.
enum class Life { Whole, Core };

/// The life of a host from before its first deploy on, with the real agent. Takes ten seconds,
/// mostly of the agent watching for things to stay as they are.
Recording record_host(const crash::CrashHost& host, Life life, RecordedHost::Options options);

}  // namespace kongfleet::power
