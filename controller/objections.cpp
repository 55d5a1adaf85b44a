// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/objections.hpp"

#include <algorithm>

namespace kongfleet::controller {

int objection(const HostRun& host) {
  if (host.trouble == Trouble::Held) return 75;
  if (host.trouble == Trouble::Stranded) return 4;
  if (host.trouble != Trouble::None) return 1;
  return host.plan && host.plan->refusals_size() > 0 ? 5 : 0;
}

int gravest(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  for (const int code : {4, 1, 5, 75}) {
    const bool any = std::any_of(hosts.begin(), hosts.end(),
                                 [&](const auto& host) { return objection(*host) == code; });
    if (any) return code;
  }
  return 0;
}

}  // namespace kongfleet::controller
