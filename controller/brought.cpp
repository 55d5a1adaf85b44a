// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/brought.hpp"

#include <algorithm>

namespace kongfleet::controller {

std::optional<Brought::Generation> generation_brought(const wire::Outcome& outcome) {
  const auto& host = outcome.host();
  if (outcome.result() == wire::Outcome::COMMITTED && outcome.has_host()) {
    Brought::Generation brought{host.generation(), host.generation_digest(), {}};
    if (host.has_before()) brought.before = host.before();
    return brought;
  }
  if (outcome.result() != wire::Outcome::TRIAL || !host.has_open()) return std::nullopt;
  return Brought::Generation{host.open().generation(), "", host.generation()};
}

bool may_run(const wire::HostState& host, const std::vector<wire::ReleaseId>& releases) {
  if (host.releases().empty() && host.generation() != 0) return true;
  return std::all_of(releases.begin(), releases.end(), [&](const auto& release) {
    return std::any_of(host.releases().begin(), host.releases().end(), [&](const auto& runs) {
      return runs.name() == release.name() && runs.digest() == release.digest();
    });
  });
}

BroughtIs brought_is(const Brought& brought, const wire::HostState& now) {
  if (!brought.heard) return may_run(now, brought.releases) ? BroughtIs::Unknown : BroughtIs::Gone;
  const auto& heard = *brought.heard;
  const bool known = !heard.digest.empty() || heard.number == 0;
  const bool mended = known && now.has_before() && now.before() == heard.number;
  const bool is_it = now.generation() == heard.number || mended;
  const bool same =
      known ? now.generation_digest() == heard.digest : may_run(now, brought.releases);
  if (is_it && same) return heard.before ? BroughtIs::There : BroughtIs::Unknown;
  return heard.before == now.generation() ? BroughtIs::Gone : BroughtIs::Replaced;
}

}  // namespace kongfleet::controller
