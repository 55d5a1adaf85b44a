// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/exported_files.hpp"
#include "controller/release.hpp"

namespace kongfleet::controller {

/// The release as a build context: `docker build` in that directory makes an image of the one named
/// by the argument KONG_IMAGE (kong:3.9) with the plugin in it. The files lie in lua/ and go to a
/// directory of their own that KONG_LUA_PACKAGE_PATH names first, so that nothing of the image's
/// Lua tree stands before them; KONG_PLUGINS lists the plugin; the image runs as user kong and has
/// a health check. Its start command stays the base image's. Pure.
ExportedFiles docker_context_of(const Release& release);

}  // namespace kongfleet::controller
