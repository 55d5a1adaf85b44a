// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// Whether `text` matches `pattern`, where * is any run of characters and ? any one (ssh_config(5),
/// PATTERNS). Case matters: lower both where it should not. Never slower than their lengths'
/// product.
bool pattern_matches(std::string_view text, std::string_view pattern);

/// Whether `text` is a pattern, and not a plain name.
bool is_pattern(std::string_view text);

/// Whether `text` matches a list of patterns: at least one does, and none that begins with '!'.
bool pattern_list_matches(std::string_view text, const std::vector<std::string>& patterns);

/// The same for a list written with commas, as known_hosts and `Match` have it.
bool pattern_list_matches(std::string_view text, std::string_view patterns_with_commas);

/// The parts of `text` between `separator`s, empty ones left out.
std::vector<std::string> split_list(std::string_view text, char separator);

}  // namespace kongfleet::controller
