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
  /// A generation, as the host confirmed it.
  struct Generation {
    std::uint64_t number = 0;
    std::string digest;                   // empty: of the baseline
    std::optional<std::uint64_t> before;  // the generation before it; nothing: not known
  };
  std::optional<Generation> heard;        // nothing: no confirmation was heard
  std::vector<wire::ReleaseId> releases;  // of the rollout's, those for this host
};

enum class BroughtIs {
  There,     // it runs that, and where it goes back to is known
  Gone,      // it was taken back, or never came
  Replaced,  // it runs something else since, or the same again by another rollout
  Unknown,   // it may run that, and what it ran before is not known
};

/// How it stands with that on a host which says this of itself. A generation that was mended since
/// has another number, the same digest, and what it was before it. Pure.
BroughtIs brought_is(const Brought& brought, const wire::HostState& now);

}  // namespace kongfleet::controller
