// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// Numbers and strings as SSH writes them (RFC 4251, 5). What is taken is removed from the front of
/// `in`; nothing where there is not enough.
void put_u32(std::string& out, std::size_t value);
void put_string(std::string& out, std::string_view text);
std::optional<std::size_t> take_u32(std::string_view& in);
std::optional<std::string> take_string(std::string_view& in);

}  // namespace kongfleet::controller
