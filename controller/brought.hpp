// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/kongfleet.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// What a rollout that is over left on a host.
struct Brought {
  std::string digest;                     // of its generation; empty: that was not heard
  std::optional<std::uint64_t> before;    // the generation before that; nothing: not known
  std::vector<wire::ReleaseId> releases;  // the rollout's own
};

enum class BroughtIs {
  There,     // it runs that, and where it goes back to is known
  Gone,      // it was taken back, or never came
  Replaced,  // it runs something else since
  Unknown,   // it may run that, and what it ran before is not known
};

/// How it stands with that on a host which says this of itself. A generation that was only mended
/// has another number and the same digest: it is still that. Pure.
BroughtIs brought_is(const Brought& brought, const wire::HostState& now);

}  // namespace kongfleet::controller
