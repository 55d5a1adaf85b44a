// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/kong_conf_edit.hpp"

#include <cstdint>
#include <string>

namespace kongfleet::agent {

/// A kong.conf and a change for it. A third of the files is what people write, and must be
/// accepted; a third is made of what is known to be nasty; a third is noise.
struct ConfCase {
  std::string text;
  Change change;
  bool plain;
};

/// The case with this number of this seed: the same on every machine.
ConfCase make_case(std::uint64_t seed, std::uint64_t number);

}  // namespace kongfleet::agent
