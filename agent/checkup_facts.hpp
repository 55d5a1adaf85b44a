// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/checkup.hpp"
#include "agent/host.hpp"
#include "agent/trust.hpp"

#include <set>
#include <string>

namespace kongfleet::agent {

/// What a check-up looks at with.
struct CheckupParts {
  const Config& config;
  Gateway& gateway;
  const GenerationStore& store;
  const Host& host;
  const Trust& trust;
};

/// Looks at all of it; writes nothing, and throws nothing: what can't be looked at is among the
/// facts. `plugins`: those that are to run here. Without the open transaction.
CheckupFacts checkup_facts(const CheckupParts& parts, const HostRecord& record,
                           const std::set<std::string>& plugins);

}  // namespace kongfleet::agent
