// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the program ends with: scripts and cron decide by these, so they keep their meaning for
/// ever.
namespace kongfleet::controller::exit_code {

constexpr int done = 0;          // or there was nothing to do
constexpr int failed = 1;        // usage or configuration; nothing was touched
constexpr int differs = 2;       // `plan`, `status`: changes, drift; `check`: a host is ill
constexpr int taken_back = 3;    // it failed, and every host it touched is back where it was
constexpr int needs_person = 4;  // a host is stranded, or out of reach while changing
constexpr int refused = 5;       // before anything changed: preflight, policy, trust
constexpr int paused = 6;
constexpr int host_key = 7;  // unknown, changed or revoked: nothing was sent; nothing was touched
constexpr int held = 75;  // somebody else holds the fleet or the host; EX_TEMPFAIL of sysexits.h(3)
constexpr int interrupted = 130;  // what that means for each host is printed

}  // namespace kongfleet::controller::exit_code
