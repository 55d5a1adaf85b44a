// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// The words of a command that no shell will see: split at spaces; '…' and "…" keep together, a
/// backslash takes the next character as it is (within "…" only '"' and '\'). Throws Error, as the
/// end of a message, for a quote that is not closed, for nothing at all, and for what only a shell
/// would understand (a '|', '>', '$' and the like, outside of quotes).
std::vector<std::string> split_command(std::string_view text);

}  // namespace kongfleet::controller
