// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// LuaJIT's tostring(tonumber(text)): "0x10" is "16", "007" is "7", "1e3" is "1000"; nullopt when
/// it is no number to LuaJIT. It knows decimal, 0x (with fraction and p-exponent), 0b, inf and nan
/// (lj_strscan.c).
std::optional<std::string> lua_number(std::string_view text);

}  // namespace kongfleet::agent
