// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/turns.hpp"

namespace kongfleet::agent {

Turn Turns::take(const std::string& rollout) {
  if (rollout.empty()) return {};
  const std::lock_guard lock(mutex_);
  auto& known = rollouts_[rollout];
  known.latest = ++taken_;
  ++known.conversations;
  return {rollout, taken_};
}

void Turns::give_back(const Turn& turn) {
  const std::lock_guard lock(mutex_);
  const auto known = rollouts_.find(turn.rollout);
  if (known != rollouts_.end() && --known->second.conversations == 0) rollouts_.erase(known);
}

bool Turns::is_over(const Turn& turn) const {
  const std::lock_guard lock(mutex_);
  const auto known = rollouts_.find(turn.rollout);
  return known != rollouts_.end() && known->second.latest > turn.number;
}

}  // namespace kongfleet::agent
