// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/objections.hpp"

#include "controller/exit_code.hpp"

#include <algorithm>

namespace kongfleet::controller {

int objection(const HostRun& host) {
  if (host.trouble == Trouble::Held) return exit_code::held;
  if (host.trouble == Trouble::Stranded) return exit_code::needs_person;
  if (host.fault == LinkFault::HostKey) return exit_code::host_key;
  if (host.trouble != Trouble::None) return exit_code::failed;
  return host.plan && host.plan->refusals_size() > 0 ? exit_code::refused : exit_code::done;
}

int gravest(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  for (const int code : {exit_code::needs_person, exit_code::host_key, exit_code::failed,
                         exit_code::refused, exit_code::held}) {
    const bool any = std::any_of(hosts.begin(), hosts.end(),
                                 [&](const auto& host) { return objection(*host) == code; });
    if (any) return code;
  }
  return exit_code::done;
}

}  // namespace kongfleet::controller
