// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// What a file holds; nothing when there is no such file. Throws Error("DOING 'PATH': why") when it
/// cannot be read, or holds more than `most` bytes.
std::optional<std::string> read_whole_file(const std::filesystem::path& path,
                                           std::string_view doing, std::size_t most);

}  // namespace kongfleet::controller
