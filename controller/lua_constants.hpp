// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

struct LuaMember;

/// A value that a Lua source states.
struct LuaConstant {
  enum class Kind { Other, String, Table };  // Other: a number, true, false or nil
  Kind kind = Kind::Other;
  std::size_t line = 0;
  std::string text;                 // of a String
  std::vector<LuaMember> members;   // of a Table, those with a name
  std::vector<LuaConstant> listed;  // of a Table, those without

  /// The member of that name, the last if there are several; null when there is none.
  const LuaConstant* find(std::string_view name) const;
};

struct LuaMember {
  std::string name;
  LuaConstant value;
};

/// What a Lua source that only states things says, such as a rockspec, without running it: a Table
/// of its globals. It may have assignments of strings, numbers, true, false, nil and tables of
/// them, strings joined with '..', and names that were given to strings before, `local` or not.
/// Throws Error "SHOWN:LINE: what" for anything else, and for tables and strings of absurd size.
/// For untrusted input.
LuaConstant read_lua_constants(std::string_view source, const std::string& shown);

}  // namespace kongfleet::controller
