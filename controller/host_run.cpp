// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_run.hpp"

#include "controller/fleet_ssh.hpp"
#include "controller/probe_order.hpp"
#include "controller/proposal.hpp"
#include "proto/digest.hpp"
#include "proto/framing.hpp"
#include "proto/names.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr auto welcome_limit_min = std::chrono::seconds(15);  // what a renewal may take
constexpr int settle_tries = 4;                               // then a host is called lost
constexpr auto settle_pause = std::chrono::seconds(1);        // doubled from try to try
constexpr std::size_t version_shown_max = 40;
constexpr auto apply_slack = std::chrono::minutes(2);  // besides its deadlines: staging, preflight

HostPhase phase_of(wire::Outcome::Result result) {
  switch (result) {
    case wire::Outcome::UNCHANGED:
      return HostPhase::Unchanged;
    case wire::Outcome::REFUSED:
      return HostPhase::Refused;
    case wire::Outcome::TRIAL:
      return HostPhase::Trial;
    case wire::Outcome::COMMITTED:
      return HostPhase::Done;
    case wire::Outcome::ROLLED_BACK:
      return HostPhase::Back;
    case wire::Outcome::STRANDED:
      return HostPhase::Stranded;
    default:
      return HostPhase::Lost;
  }
}

std::uint32_t ms32(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(time.count());
}

}  // namespace

// An agent takes names of up to 128 bytes; a label may be longer than the rest of them leaves.
std::string transaction_name(const std::string& rollout, const FleetHost& host, unsigned attempt) {
  constexpr std::size_t label_max = 60;
  const auto label = host.label();
  const auto name = rollout + "/" + (label.size() <= label_max ? label : sha256(label).brief(16));
  return attempt == 1 ? name : name + "." + std::to_string(attempt);
}

HostRun::HostRun(RunParts& parts, const FleetHost& host)
    : parts_(parts), host_(host), transaction_(transaction_name(parts.rollout, host, 1)) {}

// Over a link that broke without a word no Welcome comes: time must be left to greet anew, over
// another one, before what is in trial undoes itself.
std::chrono::milliseconds HostRun::welcome_in_trial() const {
  return std::clamp<std::chrono::milliseconds>(parts_.fleet.rollout.confirm_timeout / 2,
                                               welcome_limit_min, welcome_limit);
}

std::chrono::milliseconds HostRun::transaction_limit() const {
  return 2 * parts_.fleet.rollout.deadline + apply_slack;
}

void HostRun::note(const std::exception& error) {
  problem = printable(error.what(), 2000);
  conversation_.reset();
  trouble = Trouble::Setup;
  fault.reset();
  if (const auto* link = dynamic_cast<const LinkError*>(&error)) {
    fault = link->fault();
    const bool away =
        fault == LinkFault::Connect || fault == LinkFault::Timeout || fault == LinkFault::Lost;
    trouble = away ? Trouble::Away : Trouble::Setup;
  } else if (const auto* refused = dynamic_cast<const AgentRefused*>(&error)) {
    holder_ = refused->code() == "busy" ? refused->holder() : "";
    if (refused->code() == "busy") trouble = Trouble::Held;
  }
}

asio::awaitable<void> HostRun::converse(std::optional<wire::Propose> proposal,
                                        std::chrono::milliseconds welcome_within) {
  auto address = address_of(host_, parts_.fleet.ssh);
  auto link = co_await parts_.links.open(address, host_.agent_command);
  const auto fingerprint = link->host_key_fingerprint();
  auto conversation = std::make_unique<Conversation>(std::move(link));
  const auto welcome = co_await conversation->hello(parts_.controller, parts_.rollout,
                                                    std::move(proposal), welcome_within);
  const auto twin = parts_.identities.claim(label(), welcome.identity(), fingerprint);
  if (twin) {
    throw Error("'" + *twin + "' and '" + label() +
                "' are one and the same host: its agent answers under both names; leave one out");
  }
  state = welcome.host();
  heard_ = Clock::now();
  agent_version = printable(welcome.agent_version(), version_shown_max);
  knows_smoke_ = knows(welcome, smoke_feature);
  knows_checkup_ = knows(welcome, checkup_feature);
  conversation_ = std::move(conversation);
}

asio::awaitable<void> HostRun::open(std::chrono::milliseconds welcome) {
  if (conversation_) co_return;
  std::optional<wire::Propose> none;
  co_await converse(std::move(none), welcome);
}

asio::awaitable<void> HostRun::open_proposing() {
  std::optional<wire::Propose> proposal = proposal_of(host_.plugins, parts_.releases);
  co_await converse(std::move(proposal), welcome_limit);
}

asio::awaitable<bool> HostRun::greet() {
  try {
    co_await open();
    if (!parts_.keep_open) hang_up();
    co_return true;
  } catch (const std::exception& error) {
    note(error);
  }
  co_return false;
}

asio::awaitable<void> HostRun::take_plan(bool proposed) {
  // An older one would have to refuse when all content has come.
  if (!knows_smoke_) refuse_smoke(parts_.fleet, host_);
  if (proposed) {
    plan = co_await conversation_->hear_plan();
  } else {
    plan = co_await conversation_->propose(proposal_of(host_.plugins, parts_.releases));
  }
}

asio::awaitable<void> HostRun::propose() {
  const bool proposes = conversation_ == nullptr;
  if (proposes) co_await open_proposing();
  co_await take_plan(proposes);
}

asio::awaitable<bool> HostRun::make_plan() {
  try {
    const bool proposes = conversation_ == nullptr;
    if (proposes) co_await open_proposing();
    note_state();
    if (trouble == Trouble::None)
      co_await take_plan(proposes);
    else if (proposes)
      hang_up();  // its answer may be long in coming, and says nothing
    if (!parts_.keep_open) hang_up();
    co_return trouble == Trouble::None;
  } catch (const std::exception& error) {
    note(error);
  }
  co_return false;
}

wire::Apply HostRun::apply_message() const {
  wire::Apply apply;
  apply.set_transaction(transaction_);
  apply.set_plan(plan->id());
  order_probes(parts_.fleet, host_, *apply.mutable_probes());
  apply.set_deadline_ms(ms32(parts_.fleet.rollout.deadline));
  apply.set_confirm_timeout_ms(ms32(parts_.fleet.rollout.confirm_timeout));
  return apply;
}

HostPhase HostRun::take(wire::Outcome said) {
  state = said.host();
  heard_ = Clock::now();
  trouble = Trouble::None;
  if (!said.cause().empty()) problem = printable(said.cause(), 4000);
  const auto phase = phase_of(said.result());
  keep_brought(said);
  outcome = std::move(said);
  if (!parts_.keep_open) hang_up();
  return phase;
}

// `told` becomes true when the agent may have begun: from then on silence is no longer harmless.
asio::awaitable<HostPhase> HostRun::deploy(Conversation::OnProgress on_progress, MayBegin may_begin,
                                           bool& told) {
  if (!conversation_ || !plan) co_await propose();
  if (plan->unchanged()) co_return HostPhase::Unchanged;
  if (plan->refusals_size() > 0) {
    problem = printable(plan->refusals(0).text(), 2000);
    co_return HostPhase::Refused;
  }
  if (plan->missing_size() > 0) {
    const std::vector<std::string> missing(plan->missing().begin(), plan->missing().end());
    auto content = parts_.contents.compressed(missing);
    if (!content_until_) content_until_ = Clock::now() + parts_.fleet.rollout.deadline;
    const auto until = *content_until_;
    const bool sent = co_await conversation_->send_content(std::move(content), until, may_begin);
    if (!sent) {
      hang_up();
      co_return HostPhase::Waiting;
    }
  }
  if (!may_begin()) co_return HostPhase::Waiting;
  auto apply = apply_message();
  told = true;
  const auto limit = transaction_limit();
  auto said = co_await conversation_->apply(std::move(apply), std::move(on_progress), limit);
  const auto phase = take(std::move(said));
  co_return phase == HostPhase::Done ? out_of_turn() : phase;
}

// Nothing where another attempt is due: the link of the plan was dead, the host changed since, or
// somebody else spoke to it in this rollout's name.
asio::awaitable<std::optional<HostPhase>> HostRun::attempt(Conversation::OnProgress on_progress,
                                                           MayBegin may_begin, bool& told) {
  const bool old_link = conversation_ != nullptr;
  try {
    const auto phase = co_await deploy(std::move(on_progress), std::move(may_begin), told);
    co_return phase;
  } catch (const AgentRefused& refused) {
    note(refused);
    if (holder_ == transaction_) {  // what we sent over a link that broke did arrive
      told = true;
      co_return std::nullopt;
    }
    told = false;  // it says so: nothing was done
    if (refused.code() == "changed" || refused.code() == "superseded") co_return std::nullopt;
    co_return HostPhase::Refused;
  } catch (const std::exception& error) {
    note(error);
  }
  if (told || old_link) co_return std::nullopt;
  co_return trouble == Trouble::Away ? HostPhase::Unreachable : HostPhase::Refused;
}

asio::awaitable<HostPhase> HostRun::start(Conversation::OnProgress on_progress,
                                          MayBegin may_begin) {
  constexpr int attempts = 2;
  if (Clock::now() - heard_ > link_age_max) hang_up();  // it may be long dead, and the host changed
  if (!conversation_) plan.reset();
  content_until_.reset();
  for (int i = 0; i < attempts; ++i) {
    if (i > 0 && !may_begin()) co_return HostPhase::Waiting;
    bool told = false;
    const auto phase = co_await attempt(on_progress, may_begin, told);
    if (phase) co_return *phase;
    plan.reset();
    if (!told) continue;
    // What did the host make of it? One that never heard of it may be asked anew.
    constexpr Otherwise otherwise{HostPhase::Lost, HostPhase::Refused, HostPhase::Lost};
    const auto known = co_await hear_out(transaction_, otherwise);
    if (known != HostPhase::Refused) co_return known == HostPhase::Done ? out_of_turn() : known;
  }
  co_return trouble == Trouble::Away ? HostPhase::Unreachable : HostPhase::Refused;
}

// An answer that no honest agent gives to what was asked: nothing is known of the host then.
HostPhase HostRun::out_of_turn() {
  problem = "the agent answered out of turn";
  hang_up();
  return HostPhase::Lost;
}

std::optional<HostPhase> HostRun::ruled_out() const {
  switch (trouble) {
    case Trouble::None:
      break;
    case Trouble::Away:
      return HostPhase::Unreachable;
    case Trouble::Stranded:
      return HostPhase::Stranded;
    case Trouble::Setup:
    case Trouble::Held:
      return HostPhase::Refused;
  }
  if (plan && plan->refusals_size() > 0) return HostPhase::Refused;
  return std::nullopt;
}

// What the host said of itself when it was greeted may rule a new transaction out already.
void HostRun::note_state() {
  if (state.state() == "stranded" || state.state() == "unmanageable") {
    trouble = state.state() == "stranded" ? Trouble::Stranded : Trouble::Setup;
    problem = printable(state.advice(), 2000);
  } else if (state.has_open()) {
    trouble = Trouble::Held;
    problem = problem_of_open();
  }
}

std::string HostRun::problem_of_open() const {
  const auto& open = state.open();
  return printable("transaction '" + open.id() + "' of " + open.holder() +
                       " holds this host (step " + open.step() + ")",
                   2000);
}

asio::awaitable<HostPhase> HostRun::settle(Deed deed, Otherwise otherwise, const MayBegin* may,
                                           const Unheard* unheard,
                                           std::chrono::milliseconds welcome) {
  auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(settle_pause);
  bool told = false;
  for (int attempt = 1; attempt <= settle_tries; ++attempt) {
    try {
      co_await open(welcome);
      if (may != nullptr && !(*may)()) co_return HostPhase::Waiting;
      told = true;
      auto said = co_await deed(*conversation_);
      problem.clear();
      co_return take(std::move(said));
    } catch (const AgentRefused& refused) {
      note(refused);
      if (refused.code() != "superseded") co_return otherwise.refused;
      trouble = Trouble::Away;  // says nothing of what was asked: in a conversation of now it will
    } catch (const std::exception& error) {
      note(error);
    }
    if (unheard != nullptr && *unheard) (*unheard)();
    if (trouble == Trouble::Setup && attempt > 1) break;  // an answer, and not one that will change
    const auto executor = co_await asio::this_coro::executor;
    Timer timer(executor, pause);
    co_await timer.async_wait(asio::use_awaitable);
    pause *= 2;
  }
  co_return told ? otherwise.silent : otherwise.unreached;
}

// Each deed is a named object that is moved in: g++ 12 destroys temporaries inside a co_await
// twice.
asio::awaitable<HostPhase> HostRun::confirm(MayBegin may) {
  Deed deed = [this](Conversation& talk) { return talk.confirm(transaction_); };
  const auto phase = co_await settle(std::move(deed), all_lost, &may);
  co_return phase == HostPhase::Trial ? out_of_turn() : phase;
}

asio::awaitable<HostPhase> HostRun::settle_renewal(std::string transaction, Otherwise otherwise,
                                                   const Unheard* unheard) {
  Deed deed = [this, transaction](Conversation& talk) {
    return talk.renew(transaction, parts_.fleet.rollout.confirm_timeout);
  };
  const auto phase =
      co_await settle(std::move(deed), otherwise, nullptr, unheard, welcome_in_trial());
  co_return phase;
}

asio::awaitable<HostPhase> HostRun::renew(Unheard unheard) {
  const auto phase = co_await settle_renewal(transaction_, all_lost, &unheard);
  co_return phase == HostPhase::Done ? out_of_turn() : phase;
}

}  // namespace kongfleet::controller
