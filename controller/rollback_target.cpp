// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_target.hpp"

#include "controller/declined.hpp"
#include "controller/rollout_plan.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

bool may_have_it(const RememberedHost& host) {
  switch (host.phase) {
    case HostPhase::Waiting:
    case HostPhase::Unchanged:
    case HostPhase::Back:
    case HostPhase::Refused:
    case HostPhase::Unreachable:
      return false;
    default:
      return true;
  }
}

bool is_for(const RolloutPlan& plan, const std::string& label, const std::string& plugin) {
  return std::any_of(plan.hosts.begin(), plan.hosts.end(), [&](const FleetHost& host) {
    return host.label() == label &&
           std::find(host.plugins.begin(), host.plugins.end(), plugin) != host.plugins.end();
  });
}

// Only with a confirmation came the digest of what was brought.
Brought brought_by(const RememberedRollout& rollout, const RolloutPlan& plan,
                   const RememberedHost& host) {
  Brought brought;
  for (const auto& release : rollout.releases) {
    if (!is_for(plan, host.label, release.name)) continue;
    auto& id = brought.releases.emplace_back();
    id.set_name(release.name);
    id.set_digest(release.digest);
  }
  const bool heard = host.outcome && host.outcome->result() == wire::Outcome::COMMITTED;
  if (heard) brought.heard = generation_brought(*host.outcome);
  return brought;
}

}  // namespace

std::vector<RollbackTarget> rollback_targets(const RememberedRollout& rollout,
                                             const std::vector<const FleetHost*>& hosts) {
  const auto plan = read_plan(rollout.plan);  // of all hosts: it is read once
  std::vector<RollbackTarget> targets;
  for (const auto* host : hosts) {
    const auto was = std::find_if(rollout.hosts.begin(), rollout.hosts.end(),
                                  [&](const auto& it) { return it.label == host->label(); });
    if (was == rollout.hosts.end() || !may_have_it(*was)) continue;
    targets.push_back({host, brought_by(rollout, plan, *was)});
  }
  if (targets.empty()) {
    throw Declined(1, rollout.id +
                          " left nothing on these hosts that could be taken back "
                          "('kongfleet show " +
                          rollout.id + "'); nothing was touched");
  }
  return targets;
}

std::vector<std::string> lost_targets(const RememberedRollout& rollout, const Fleet& fleet) {
  std::vector<std::string> lost;
  for (const auto& host : rollout.hosts) {
    const bool there = std::any_of(fleet.hosts.begin(), fleet.hosts.end(),
                                   [&](const auto& it) { return it.label() == host.label; });
    if (!there && may_have_it(host)) lost.push_back(host.label);
  }
  return lost;
}

}  // namespace kongfleet::controller
