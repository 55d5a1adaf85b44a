// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/turns.hpp"

#include <algorithm>

namespace kongfleet::agent {

namespace {

constexpr std::size_t rollouts_max = 64;  // more than run at once; older ones are long over

}  // namespace

Turn Turns::take(const std::string& rollout) {
  if (rollout.empty()) return {};
  const std::lock_guard lock(mutex_);
  latest_[rollout] = ++taken_;
  if (latest_.size() > rollouts_max) {
    latest_.erase(
        std::min_element(latest_.begin(), latest_.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  return {rollout, taken_};
}

bool Turns::is_over(const Turn& turn) const {
  const std::lock_guard lock(mutex_);
  const auto latest = latest_.find(turn.rollout);
  return latest != latest_.end() && latest->second > turn.number;
}

}  // namespace kongfleet::agent
