// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/host_paths.hpp"
#include "agent/http_client.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// Why `pattern` is no regular expression (Perl's syntax) that we take, for people; empty: it is
/// one.
std::string why_bad_pattern(std::string_view pattern);

/// Whether `pattern` matches somewhere in `text`, of which the first 256 KiB count; anchor it with
/// ^ and $ for all of it. An expression that takes too many steps on this text throws Error: text
/// and pattern are foreign.
bool pattern_matches(const std::string& pattern, std::string_view text);

// What a probe says of a response goes to the controller, and who holds its key names the URL: a
// verdict quotes nothing of what came. It tells what was expected, and how many bytes there were.

/// What an http probe makes of one response: empty when it is good, else what was wrong.
std::string judge_response(const ProbeSpec& probe, const HttpResponse& response);

/// What a good response is told as: "200, X-MyPlugin matches '^1'".
std::string told_of(const ProbeSpec& probe, const HttpResponse& response);

/// What came, in its own words: for this host's log, and who may know it (Deployment::ask).
std::string quoted(const ProbeSpec& probe, const HttpResponse& response);

/// Tries a probe until it succeeded `successes` times in a row, at most until `deadline`; also
/// gives up after `failures_max` failures in a row. Inconclusive when time ran out before
/// anything was wrong. Not for smoke tests (smoke_run.hpp). A command
/// runs with an empty environment but PATH, in "/".
ProbeOutcome run_probe(const ProbeSpec& probe, const HostPaths& paths, const HttpClient& client,
                       std::chrono::steady_clock::time_point deadline);

/// Ten seconds at the default interval: longer than a node that has just been verified needs to
/// serve.
constexpr unsigned probe_failures_max = 20;

}  // namespace kongfleet::agent
