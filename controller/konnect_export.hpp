// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/exported_files.hpp"
#include "controller/plugin_lint.hpp"
#include "controller/release.hpp"

#include <vector>

namespace kongfleet::controller {

/// Why Konnect would not take the plugin (developer.konghq.com/custom-plugins/konnect-hybrid-mode):
/// it knows the schema only, so there can be no api.lua, no DAOs and no migrations, schema.lua can
/// require nothing nor ask how it was loaded (`...`), and states its name as a text, which must not
/// be that of a plugin of Kong's. Empty when it would. Pure.
std::vector<Finding> konnect_objections(const Release& release);

/// plugin-schema.json: what to POST to /v2/control-planes/ID/core-entities/plugin-schemas, and for
/// a later version to PUT to plugin-schemas/NAME there. The files still have to be put on every
/// data plane, after it. Throws Declined (exit code 5) with all
/// objections.
ExportedFiles konnect_upload_of(const Release& release);

}  // namespace kongfleet::controller
