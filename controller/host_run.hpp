// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/brought.hpp"
#include "controller/clock.hpp"
#include "controller/content_pack.hpp"
#include "controller/conversation.hpp"
#include "controller/fleet.hpp"
#include "controller/host_identities.hpp"
#include "controller/resume_decision.hpp"
#include "controller/rollout.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// What all hosts of a run share; outlives them.
struct RunParts {
  HostLinks& links;
  const Fleet& fleet;
  const std::vector<Release>& releases;
  ContentPack& contents;
  std::string controller;  // who we are, for whoever finds us holding a host: "ops@deploy-1"
  std::string rollout;     // this rollout's name
  bool keep_open;          // whether all links may stay open at once
  HostIdentities identities = {};
};

/// Where a host that could not be dealt with failed us.
enum class Trouble {
  None,
  Setup,  // our own side, or a host that isn't ready for us: nothing was touched, and trying again
          // is no use
  Away,   // it does not answer now
  Held,   // somebody else's transaction holds it
  Stranded,  // it needs a person first
};

/// What an agent said of its host, and when that was, by our own wall clock (ms since 1970).
struct CheckupAnswer {
  wire::Checkup checkup;
  std::int64_t asked_ms = 0;
  std::int64_t answered_ms = 0;
};

/// The name of a host's transaction in a rollout; `attempt` counts from 1.
std::string transaction_name(const std::string& rollout, const FleetHost& host, unsigned attempt);

/// One host in a run: the conversation with its agent, what it said last, and how it fares. No
/// coroutine of it throws: what goes wrong is in `trouble` and `problem`. One coroutine at a time.
class HostRun {
public:
  using MayBegin = std::function<bool()>;
  /// Called whenever the host did not answer, and is asked again.
  using Unheard = std::function<void()>;

  HostRun(RunParts& parts, const FleetHost& host);

  /// Connects and greets: fills `state`. False when that failed.
  asio::awaitable<bool> greet();
  /// Greets, and has the agent look at its whole host: fills `state` and `checkup`.
  asio::awaitable<void> check_up();
  /// Greets, and asks what the fleet file's releases would change: fills `plan`.
  asio::awaitable<bool> make_plan();
  /// Deploys up to the trial, planning anew when the link is gone or the host changed.
  /// `may_begin` is asked last, right before the agent is told to: false leaves the host untouched
  /// (Waiting).
  asio::awaitable<HostPhase> start(Conversation::OnProgress on_progress, MayBegin may_begin);
  /// `may` is asked right before the agent is told, whenever it is: false ends it (Waiting).
  asio::awaitable<HostPhase> confirm(MayBegin may);
  /// Ends the trial, or takes back what this run confirmed here. `may` as above.
  asio::awaitable<HostPhase> take_back(HostPhase from, std::string reason, MayBegin may);
  /// Renews the lease; anything but Trial when the trial is over.
  asio::awaitable<HostPhase> renew(Unheard unheard);
  /// To generation `to`, or the one before. A trial that is open here, whoever's, is taken back
  /// where that leads there. `may_begin` is asked last, right before the agent is told to, and
  /// again where it is told again: false leaves the host as it is (Waiting).
  asio::awaitable<HostPhase> roll_back(std::optional<std::uint64_t> to,
                                       Conversation::OnProgress on_progress, MayBegin may_begin);
  /// roll_back() goes to where this host was before `brought`, and leaves it as it is where it does
  /// not run that: Unchanged where it went back already, else Refused.
  void takes_back_only(Brought brought);
  /// How its transaction of a rollout that began earlier stands now: fills `answer`, and renews its
  /// lease where it is in trial.
  asio::awaitable<void> ask_again();
  /// This host was part of the rollout before: how many transactions it had in it (agents do
  /// nothing twice), what the last of them came to, and what was wrong.
  void was_part(unsigned attempt, std::optional<wire::Outcome> came_to, std::string trouble_then);
  /// What is known to rule this host out before anything began; nothing: it may start.
  std::optional<HostPhase> ruled_out() const;
  /// Ends the conversation; the next one begins afresh.
  void hang_up() { conversation_.reset(); }

  const Fleet& fleet() const { return parts_.fleet; }
  const FleetHost& host() const { return host_; }
  std::string label() const { return host_.label(); }

  wire::HostState state;  // what the host said of itself last
  std::optional<wire::Plan> plan;
  std::optional<wire::Outcome> outcome;  // of the transaction of this run
  HostAnswer answer = HostAnswer::Silent;
  Trouble trouble = Trouble::None;
  std::string problem;                   // one sentence, printable
  std::optional<LinkFault> fault;        // where it was the link that failed
  std::string agent_version;             // as it said in its last greeting
  std::optional<CheckupAnswer> checkup;  // of check_up(); nothing: its agent is too old for it

private:
  using Deed = std::function<asio::awaitable<wire::Outcome>(Conversation&)>;
  /// What a host is called that gave no outcome: by where it went silent.
  struct Otherwise {
    HostPhase silent;     // it was told, and did not answer
    HostPhase refused;    // it said no
    HostPhase unreached;  // it was never told
  };
  static constexpr Otherwise all_lost{HostPhase::Lost, HostPhase::Lost, HostPhase::Lost};
  asio::awaitable<HostPhase> deploy(Conversation::OnProgress on_progress, MayBegin may_begin,
                                    bool& told);
  asio::awaitable<std::optional<HostPhase>> attempt(Conversation::OnProgress on_progress,
                                                    MayBegin may_begin, bool& told);
  /// Does `deed` on the open conversation, or on a new one when that broke: agents answer a
  /// repeated message from what they know.
  /// Before that it asks `may`, where there is one: Waiting when that says no. A Welcome must come
  /// within `welcome`.
  asio::awaitable<HostPhase> settle(Deed deed, Otherwise otherwise, const MayBegin* may,
                                    const Unheard* unheard = nullptr,
                                    std::chrono::milliseconds welcome = welcome_limit);
  /// Renews the lease of `transaction`, or hears what became of it.
  asio::awaitable<HostPhase> settle_renewal(std::string transaction, Otherwise otherwise,
                                            const Unheard* unheard = nullptr);
  /// What `transaction` came to, which is under way there: waits for it.
  asio::awaitable<HostPhase> hear_out(std::string transaction, Otherwise otherwise);
  HostPhase out_of_turn();
  std::chrono::milliseconds transaction_limit() const;
  asio::awaitable<HostPhase> order_back(wire::Rollback rollback, bool ends_trials,
                                        Conversation::OnProgress on_progress, const MayBegin* may);
  wire::Rollback rollback_message() const;
  /// Throws AgentRefused where what alone is to be taken back is not there; false when that may be
  /// because of `rollback`, which was `told` before.
  bool may_leave(const wire::Rollback& rollback, bool told);
  asio::awaitable<HostAnswer> hear_again();
  asio::awaitable<bool> is_poisoned();
  HostAnswer answer_of_state() const;
  bool is_changing() const;
  /// For the Welcome of a conversation in which a lease is to be renewed.
  std::chrono::milliseconds welcome_in_trial() const;
  void keep_brought(const wire::Outcome& said);
  Brought brought() const;
  /// As `state` has it; true where it does not say.
  bool still_runs_them() const;
  asio::awaitable<void> propose();
  /// Where it may know the probes that are ordered. `proposed`: the proposal is under way.
  asio::awaitable<void> take_plan(bool proposed);
  asio::awaitable<void> open(std::chrono::milliseconds welcome = welcome_limit);
  /// A new conversation that begins with the proposal: its plan is to be heard next.
  asio::awaitable<void> open_proposing();
  asio::awaitable<void> converse(std::optional<wire::Propose> proposal,
                                 std::chrono::milliseconds welcome);
  HostPhase take(wire::Outcome said);
  void note(const std::exception& error);
  void note_state();
  std::string problem_of_open() const;
  wire::Apply apply_message() const;

  static constexpr std::chrono::seconds welcome_limit{60};
  // An idle link older than this is not trusted.
  static constexpr std::chrono::seconds link_age_max{30};

  RunParts& parts_;
  const FleetHost& host_;
  std::string transaction_;
  std::optional<Brought::Generation> generation_;  // what this run brought, or may have
  std::optional<Brought> brought_;                 // what alone is taken back
  bool gone_already_ = false;                      // it was taken back before
  std::string holder_;         // who the host was busy with when it refused last
  Clock::time_point heard_{};  // when the host was last heard of
  // When what it needs has to be there, once some of it was sent.
  std::optional<Clock::time_point> content_until_;
  bool knows_smoke_ = false;    // whether its agent said so
  bool knows_checkup_ = false;  // likewise
  std::unique_ptr<Conversation> conversation_;
};

}  // namespace kongfleet::controller
