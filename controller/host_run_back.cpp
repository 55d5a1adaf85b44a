// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// HostRun's way back: out of a trial, and from what was confirmed.
#include "controller/host_run.hpp"
#include "controller/probe_order.hpp"
#include "controller/proposal.hpp"
#include "proto/names.hpp"

namespace kongfleet::controller {

void HostRun::keep_brought(const wire::Outcome& said) {
  if (said.transaction() != transaction_) return;
  if (auto generation = generation_brought(said)) generation_ = std::move(generation);
}

Brought HostRun::brought() const {
  return {generation_, releases_of(host_.plugins, parts_.releases)};
}

// What somebody else brought since then is not ours to take back: where it still has our releases,
// they are kept.
bool HostRun::still_runs_them() const { return may_run(state, brought().releases); }

asio::awaitable<HostPhase> HostRun::take_back(HostPhase from, std::string reason, MayBegin may) {
  if (from == HostPhase::Done) {
    takes_back_only(brought());
    gone_already_ = false;
    auto rollback = rollback_message();
    if (generation_ && generation_->before) rollback.set_to(*generation_->before);
    Conversation::OnProgress quiet;
    const auto phase = co_await order_back(std::move(rollback), false, std::move(quiet), &may);
    if (phase == HostPhase::Done || phase == HostPhase::Unchanged) co_return HostPhase::Back;
    if (phase == HostPhase::Refused && (gone_already_ || !still_runs_them())) {
      problem.clear();
      trouble = Trouble::None;
      co_return HostPhase::Back;
    }
    const bool untouched =
        phase == HostPhase::Back || phase == HostPhase::Refused || phase == HostPhase::Unreachable;
    co_return untouched ? HostPhase::Kept : phase;
  }
  Deed deed = [this, reason](Conversation& talk) { return talk.revert(transaction_, reason); };
  const auto phase = co_await settle(std::move(deed), all_lost, &may);
  const bool possible = phase != HostPhase::Trial && phase != HostPhase::Done;
  co_return possible ? phase : out_of_turn();
}

void HostRun::takes_back_only(Brought brought) { brought_ = std::move(brought); }

bool HostRun::may_leave(const wire::Rollback& rollback, bool told) {
  if (!brought_) return true;
  if (state.has_open() && state.state() != "stranded") {
    if (state.open().id() == rollback.transaction()) return true;  // it is waited for
    throw AgentRefused("busy", problem_of_open(), state.open().id());
  }
  const auto is = brought_is(*brought_, state);
  if (is == BroughtIs::There) return true;
  if (told) return false;
  gone_already_ = is == BroughtIs::Gone;
  const auto runs = "it runs generation " + std::to_string(state.generation());
  throw AgentRefused("moved-on",
                     is == BroughtIs::Unknown
                         ? runs + ", and what it ran before that rollout is not known here"
                         : runs + " by now, with something else than that rollout brought",
                     "");
}

wire::Rollback HostRun::rollback_message() const {
  wire::Rollback rollback;
  rollback.set_transaction(transaction_ + "/rollback");
  order_probes(parts_.fleet, host_, *rollback.mutable_probes());
  rollback.set_deadline_ms(static_cast<std::uint32_t>(parts_.fleet.rollout.deadline.count()));
  return rollback;
}

asio::awaitable<HostPhase> HostRun::roll_back(std::optional<std::uint64_t> to,
                                              Conversation::OnProgress on_progress,
                                              MayBegin may_begin) {
  auto rollback = rollback_message();
  // By its number: told twice, it is the same order.
  if (brought_ && brought_->heard) to = brought_->heard->before;
  if (to) rollback.set_to(*to);
  const auto phase =
      co_await order_back(std::move(rollback), true, std::move(on_progress), &may_begin);
  if (phase != HostPhase::Refused || !brought_) co_return phase;
  if (state.state() == "stranded") {
    problem = printable(state.advice(), 2000);
    co_return HostPhase::Stranded;
  }
  if (!gone_already_) co_return phase;
  problem.clear();
  trouble = Trouble::None;
  co_return HostPhase::Unchanged;
}

asio::awaitable<HostPhase> HostRun::order_back(wire::Rollback rollback, bool ends_trials,
                                               Conversation::OnProgress on_progress,
                                               const MayBegin* may) {
  const auto limit = transaction_limit();
  bool told = false;
  Deed deed = [this, rollback, ends_trials, on_progress, limit, &told](Conversation& talk) {
    if (!may_leave(rollback, std::exchange(told, true)))
      return talk.renew(rollback.transaction(), parts_.fleet.rollout.confirm_timeout);
    const bool leads_there = !rollback.has_to() || rollback.to() == state.generation();
    if (ends_trials && leads_there && state.state() == "trial") {
      return talk.revert(state.open().id(), "rolled back by " + parts_.controller);
    }
    return talk.rollback(rollback, on_progress, limit);
  };
  constexpr Otherwise otherwise{HostPhase::Lost, HostPhase::Refused, HostPhase::Unreachable};
  Deed again = deed;
  auto phase = co_await settle(std::move(deed), otherwise, may);
  // A trial that was confirmed before it could be ended: what it brought goes back now.
  if (phase == HostPhase::Done && outcome->transaction() != rollback.transaction()) {
    hang_up();
    phase = co_await settle(std::move(again), otherwise, may);
  }
  if (phase == HostPhase::Refused && holder_ == rollback.transaction()) {
    constexpr Otherwise unheard{HostPhase::Lost, HostPhase::Refused, HostPhase::Lost};
    phase = co_await hear_out(rollback.transaction(), unheard);
  }
  // A host that was stranded, or in trial, and came home answers with that transaction.
  const bool rescued = phase == HostPhase::Back && outcome->transaction() != rollback.transaction();
  co_return rescued ? HostPhase::Done : phase;
}

}  // namespace kongfleet::controller
