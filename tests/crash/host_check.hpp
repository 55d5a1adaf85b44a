// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/kongfleet.pb.h"
#include "tests/crash/crash_host.hpp"

#include <string>
#include <vector>

namespace kongfleet::crash {

/// What is wrong with a host, a sentence each. Nothing here uses the agent's own code: only names,
/// manifests and digests of proto/.
using Complaints = std::vector<std::string>;

/// The generation that a kong.conf names ("000002-3fa9c1d2e4b0"), or an empty string.
std::string generation_in(const CrashHost& host, const std::string& conf);

/// A generation's directory holds what its name and its manifests say, whole, and nothing else.
Complaints check_generation(const fs::path& generation);

/// Nothing unfinished lies about in the agent's directories.
Complaints check_leftovers(const CrashHost& host);

/// P1, at any instant, whoever was just killed: kong.conf is byte for byte one of `texts`, has its
/// owner and mode, and the generation it names is complete, each file with its digest; so is the
/// one the gateway serves, which may need a module at any time. Pass no texts to leave out the
/// first.
Complaints check_instant(const CrashHost& host, const std::vector<std::string>& texts);

/// After a recovery: check_instant, no transaction is open in the journal, and nothing unfinished
/// lies about in the agent's directories.
Complaints check_rest(const CrashHost& host, const std::vector<std::string>& texts);

/// What the gateway serves is what kong.conf names.
Complaints check_serving(const CrashHost& host);

/// The agent says the same of the host: ready, no drift, nothing open, and it holds for confirmed
/// the generation that kong.conf names.
Complaints check_report(const CrashHost& host, const wire::HostState& said);

}  // namespace kongfleet::crash
