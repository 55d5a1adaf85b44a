// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// From "500ms", "60s", "5m", "1h30m", "2d": whole numbers, each with a unit, units falling (d, h,
/// m, s, ms), each at most once. "0s" is a duration. Nothing for any other text, nor above 365
/// days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest text that parse_duration reads back: "1h30m", "500ms", "0s". Not for negative
/// durations.
std::string text_of(std::chrono::milliseconds duration);

}  // namespace kongfleet::controller
