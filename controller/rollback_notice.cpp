// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_notice.hpp"

#include "controller/answer.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

/// The hosts that the rollback leaves out.
struct LeftOut {
  std::size_t all = 0;
  std::size_t keep = 0;     // run what the rollout brought, and go on doing so
  std::size_t in_air = 0;   // in trial, or on the way there or back
  std::size_t waiting = 0;  // untouched
};

LeftOut left_out(const RememberedRollout& open, const std::vector<std::string>& selected) {
  LeftOut left;
  for (const auto& host : open.hosts) {
    if (std::find(selected.begin(), selected.end(), host.label) != selected.end()) continue;
    ++left.all;
    switch (host.phase) {
      case HostPhase::Done:
      case HostPhase::Kept:
        ++left.keep;
        break;
      case HostPhase::Changing:
      case HostPhase::Trial:
      case HostPhase::Confirming:
      case HostPhase::Reverting:
      case HostPhase::Lost:
        ++left.in_air;
        break;
      case HostPhase::Waiting:
        ++left.waiting;
        break;
      case HostPhase::Unchanged:
      case HostPhase::Back:
      case HostPhase::Refused:
      case HostPhase::Unreachable:
      case HostPhase::Stranded:
        break;
    }
  }
  return left;
}

std::string standing(RolloutState state) {
  if (state == RolloutState::Paused) return "is paused";
  if (state == RolloutState::Interrupted) return "was interrupted";
  return "is under way, or its controller died";
}

}  // namespace

std::string rollback_notice(const RememberedRollout& open,
                            const std::vector<std::string>& selected) {
  auto text = open.id + " of " + open.who + " " + standing(open.state) +
              ": this rollback ends it, and nobody can go on with it then";
  const auto left = left_out(open, selected);
  if (left.all == 0) return text;
  text += "; " + std::to_string(left.all) + " of its " + counted(open.hosts.size(), "host") +
          (left.all == 1 ? " is" : " are") + " not selected and left alone";
  auto add = [&, separator = ": "](std::size_t count, const std::string& what) mutable {
    if (count == 0) return;
    text += separator + std::to_string(count) + " " + what;
    separator = ", ";
  };
  add(left.keep, "with what it brought");
  add(left.in_air, "in trial or changing, to go back by itself");
  add(left.waiting, "untouched");
  return text;
}

}  // namespace kongfleet::controller
