// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/release.hpp"
#include "proto/kongfleet.pb.h"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// What a host shall run: those of `releases` that `plugins` names, in that order, each with its
/// signature (an empty one where nobody signed; none at all where nobody signed any).
wire::Propose proposal_of(const std::vector<std::string>& plugins,
                          const std::vector<Release>& releases);

/// The same as a host names what it runs.
std::vector<wire::ReleaseId> releases_of(const std::vector<std::string>& plugins,
                                         const std::vector<Release>& releases);

}  // namespace kongfleet::controller
