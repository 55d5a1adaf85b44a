// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// The candidate that `found` was probably meant to be: the one with the smallest edit distance
/// (letters added, dropped, changed, or two neighbours swapped; case does not count), if that is at
/// most a third of its length. Empty when none is near.
std::string nearest(std::string_view found, const std::vector<std::string>& candidates);

/// "did you mean 'nearest'?", or when none is near, `otherwise`.
std::string did_you_mean(std::string_view found, const std::vector<std::string>& candidates,
                         const std::string& otherwise);

/// "'a', 'b' and 'c'": the first twenty of them.
std::string quoted_list(const std::vector<std::string>& names);

}  // namespace kongfleet::controller
