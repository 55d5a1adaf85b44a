// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/manifest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// The first error in an excerpt of Kong's error log that comes from a file of a generation:
/// "kong/plugins/my-plugin/handler.lua:4: attempt to index a nil value", without what nginx appends
/// about the request. Empty where there is none. Lua keeps the last 60 bytes of a path: where they
/// don't reach back to `generation`, the directory's name, the path must be the end of one of the
/// releases' files.
std::string lua_error_of(std::string_view excerpt, std::string_view generation,
                         const std::vector<Manifest>& releases);

}  // namespace kongfleet::agent
