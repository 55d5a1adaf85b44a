// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace kongfleet::controller {

/// Whether `text` is a pattern for `glob`, not a plain name.
bool is_glob(std::string_view text);

/// '*' stands for any text, '?' for any one character. Linear in practice.
bool glob(std::string_view pattern, std::string_view text);

}  // namespace kongfleet::controller
