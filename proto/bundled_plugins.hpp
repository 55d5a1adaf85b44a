// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace kongfleet {

/// Whether Kong brings a plugin of this name itself, in any version from 2.8 to 3.9
/// (kong/constants.lua): what `bundled` in `plugins` stands for. A release of that name would come
/// first in lua_package_path and replace it.
bool is_bundled_plugin(std::string_view name);

}  // namespace kongfleet
