// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

enum class LuaTokenKind { Name, Number, String, Symbol };

/// One word of a Lua source.
struct LuaToken {
  LuaTokenKind kind;
  std::string text;  // of a string, what it holds: only '\' before punctuation is resolved
  std::size_t line;  // counts from 1
};

/// Of a source that is larger nothing is read off: each of its bytes may become a token.
constexpr std::size_t lua_source_max = std::size_t{2} << 20;

/// Takes a Lua 5.1 source apart as its lexer does; comments and a leading "#!" line are dropped. It
/// judges nothing: what is not Lua yields tokens too, and what has no end (a string, a comment)
/// ends the source. Linear; for untrusted input.
std::vector<LuaToken> lua_tokens(std::string_view source);

}  // namespace kongfleet::controller
