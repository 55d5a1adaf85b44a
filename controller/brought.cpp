// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/brought.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

bool runs_all(const wire::HostState& host, const std::vector<wire::ReleaseId>& releases) {
  return std::all_of(releases.begin(), releases.end(), [&](const auto& release) {
    return std::any_of(host.releases().begin(), host.releases().end(), [&](const auto& runs) {
      return runs.name() == release.name() && runs.digest() == release.digest();
    });
  });
}

}  // namespace

BroughtIs brought_is(const Brought& brought, const wire::HostState& now) {
  if (!brought.heard) {
    const bool says_nothing = now.releases().empty() && now.generation() != 0;
    return says_nothing || runs_all(now, brought.releases) ? BroughtIs::Unknown : BroughtIs::Gone;
  }
  const auto& heard = *brought.heard;
  const bool mended = now.has_before() && now.before() == heard.number;
  const bool is_it = now.generation() == heard.number || mended;
  if (is_it && now.generation_digest() == heard.digest)
    return heard.before ? BroughtIs::There : BroughtIs::Unknown;
  return heard.before == now.generation() ? BroughtIs::Gone : BroughtIs::Replaced;
}

}  // namespace kongfleet::controller
