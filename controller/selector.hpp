// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// The hosts that `selectors` choose, in the fleet's order, each once. Valid as long as `fleet` is.
///
/// A selector is the name of a group, a host's label or name, the front part of a host's DNS name
/// ("edge-03" for "edge-03.example.net", when only one host is meant by it), or a pattern of labels
/// with '*' and '?'. With '!' in front it takes away. What is taken away is never chosen, in
/// whatever order the selectors come; with nothing but '!' selectors, and with none at all, one
/// starts from the whole fleet.
///
/// Throws Error, one line, for a selector that stands for nothing (with the nearest name that
/// exists), for one that stands for several hosts without having said so, and when no host is left.
std::vector<const FleetHost*> select_hosts(const Fleet& fleet,
                                           const std::vector<std::string>& selectors);

}  // namespace kongfleet::controller
