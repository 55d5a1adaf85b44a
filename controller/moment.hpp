// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace kongfleet::controller {

/// A time as it is remembered (milliseconds since 1970), for people: "2026-11-23 10:15:00", where
/// we are.
std::string time_text(std::int64_t ms);
/// The same for programs: "2026-11-23T10:15:00.123Z".
std::string utc_text(std::int64_t ms);

}  // namespace kongfleet::controller
