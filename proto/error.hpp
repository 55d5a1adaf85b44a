// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kongfleet {

/// Something the caller can only pass up: what we were doing, to what, and why it stopped.
/// What a caller decides on (a probe that fails, a host that is away) is a value, not this.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Throws Error("DOING 'PATH': <text of errno>"). Reads errno first thing, so call it where errno
/// is fresh.
[[noreturn]] void throw_errno(std::string_view doing, const std::filesystem::path& path);

/// Throws Error("DOING: <text of errno>"), for what has no path.
[[noreturn]] void throw_errno(std::string_view doing);

}  // namespace kongfleet
