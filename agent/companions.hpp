// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/finding.hpp"
#include "proto/manifest.hpp"

#include <vector>

namespace kongfleet::agent {

/// What speaks against running `release`, whose signature holds, among `proposed`: each companion
/// of its terms has to be there, and exactly that one. So releases that were signed well, each by
/// itself, are not put together by whoever holds the controller in a way nobody signed. Findings
/// have the code "trust".
std::vector<Finding> parted(const std::vector<Manifest>& proposed, const Manifest& release);

}  // namespace kongfleet::agent
