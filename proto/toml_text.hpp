// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kongfleet {

struct TextPlace {
  std::size_t line = 1;    // both from 1, as editors count
  std::size_t column = 1;  // in bytes
  bool operator==(const TextPlace&) const = default;
};

/// Where a TOML text has a byte beyond ASCII outside of strings and comments, which TOML (1.0.0,
/// "Spec") allows nowhere else; nothing: nowhere. Asked before the library sees the text, for it is
/// told where; what the library makes of such characters is in proto/toml.hpp.
std::optional<TextPlace> stray_character(std::string_view text);

/// Where a TOML text has more dots outside of strings and comments, in a line or in all that is
/// between brackets, than anybody writes; nothing: nowhere. "a.a.a. …" makes tables within tables
/// without any of the brackets that the library counts, and it reads and frees them by recursion:
/// asked before it sees the text.
std::optional<TextPlace> nested_too_deep(std::string_view text);

}  // namespace kongfleet
