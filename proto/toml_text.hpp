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

}  // namespace kongfleet
