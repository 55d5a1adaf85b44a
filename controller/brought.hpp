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
    std::string digest;                   // empty: of the baseline, or, of another, not known
    std::optional<std::uint64_t> before;  // the generation before it; nothing: not known
  };
  std::optional<Generation> heard;        // nothing: no confirmation was heard
  std::vector<wire::ReleaseId> releases;  // of the rollout's, those for this host
};

/// The generation that a transaction with this outcome left confirmed, or would have: where the
/// host was still in trial, its digest is not known. Nothing where it can have left none. Pure.
std::optional<Brought::Generation> generation_brought(const wire::Outcome& outcome);

/// Whether the host says that it runs all of these; true where it says of none what it runs.
bool may_run(const wire::HostState& host, const std::vector<wire::ReleaseId>& releases);

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
