// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// HostRun's part in a rollout that is taken up again.
#include "controller/host_run.hpp"

namespace kongfleet::controller {

void HostRun::was_part(unsigned attempt, std::optional<wire::Outcome> came_to,
                       std::string trouble_then) {
  transaction_ = transaction_name(parts_.rollout, host_, attempt);
  if (came_to) keep_brought(*came_to);
  outcome = std::move(came_to);
  problem = std::move(trouble_then);
}

// It is what was asked for already, over a link that broke. It takes no longer than its deadlines;
// a host that does not even greet any more is not waited for.
asio::awaitable<HostPhase> HostRun::hear_out(std::string transaction, Otherwise otherwise) {
  const auto give_up = Clock::now() + transaction_limit();
  auto phase = otherwise.silent;
  bool wait = true;
  while (wait) {
    phase = co_await settle_renewal(transaction, otherwise);
    const auto now = Clock::now();
    wait =
        phase == otherwise.silent && is_changing() && now - heard_ < link_age_max && now < give_up;
  }
  co_return phase;
}

bool HostRun::is_changing() const {
  // Its own transaction, or the rollback of what that confirmed.
  return state.has_open() && state.open().id().starts_with(transaction_) &&
         state.state() == "changing";
}

// An agent remembers the last transaction only: of one before it, what the host is now must do.
HostAnswer HostRun::answer_of_state() const {
  if (state.state() == "stranded") return HostAnswer::Stranded;
  if (!generation_) return HostAnswer::Unknown;
  const auto is = brought_is(brought(), state);
  const bool runs_them = is == BroughtIs::Replaced && !host_.plugins.empty() &&
                         !state.releases().empty() && still_runs_them();
  return is == BroughtIs::There || is == BroughtIs::Unknown || runs_them ? HostAnswer::Kept
                                                                         : HostAnswer::Unknown;
}

// Whether the host would call what we bring harmful: it was tried there, and failed.
asio::awaitable<bool> HostRun::is_poisoned() {
  try {
    co_await propose();
    co_return plan && !plan->poison().empty();
  } catch (const std::exception& error) {
    note(error);
  }
  co_return false;
}

asio::awaitable<HostAnswer> HostRun::hear_again() {
  // Waiting: an agent that says no has never heard of the transaction.
  constexpr Otherwise otherwise{HostPhase::Lost, HostPhase::Waiting, HostPhase::Lost};
  const auto phase = co_await settle_renewal(transaction_, otherwise);
  switch (phase) {
    case HostPhase::Waiting: {
      // It said no once it had the time to: what it was when we greeted it may be long over.
      const bool greeted = co_await greet();
      co_return greeted && !is_changing() ? answer_of_state() : HostAnswer::Silent;
    }
    case HostPhase::Trial:
      co_return HostAnswer::Trial;
    case HostPhase::Done:
      co_return HostAnswer::Kept;
    case HostPhase::Refused:
      co_return HostAnswer::Refused;
    case HostPhase::Stranded:
      co_return HostAnswer::Stranded;
    case HostPhase::Back:
      break;
    default:
      co_return HostAnswer::Silent;
  }
  const bool poisoned = co_await is_poisoned();
  co_return poisoned ? HostAnswer::Failed : HostAnswer::Undone;
}

asio::awaitable<void> HostRun::ask_again() {
  // A transaction under way answers when it is through, which takes no longer than its deadlines.
  const auto give_up = Clock::now() + transaction_limit();
  bool wait = true;
  while (wait) {
    answer = co_await hear_again();
    wait = answer == HostAnswer::Silent && is_changing() && Clock::now() < give_up;
  }
  if (!parts_.keep_open) hang_up();
}

}  // namespace kongfleet::controller
