// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace kongfleet::agent {

/// Whether `name` is what a pattern list of OpenSSH means (ssh_config(5), PATTERNS): patterns
/// between commas, '*' any characters, '?' one; some pattern matches and no '!pattern' does.
bool pattern_list_matches(std::string_view name, std::string_view list);

/// Why `list` can't say who may sign, for a person; empty when it can. It can't when a pattern
/// takes anybody (nothing in it but '*', '?' and punctuation), or no pattern takes anyone.
std::string_view why_bad_principals(std::string_view list);

}  // namespace kongfleet::agent
