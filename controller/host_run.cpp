// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_run.hpp"

#include "proto/names.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kongfleet::controller {

namespace {

constexpr int settle_tries = 4;                         // then a host is called lost
constexpr auto settle_pause = std::chrono::seconds(1);  // doubled from try to try
constexpr auto apply_slack = std::chrono::minutes(2);   // besides its deadlines: staging, preflight

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

HostRun::HostRun(RunParts& parts, const FleetHost& host)
    : parts_(parts), host_(host), transaction_(parts.rollout + "/" + host.label()) {}

void HostRun::note(const std::exception& error) {
  problem = printable(error.what(), 2000);
  conversation_.reset();
  trouble = Trouble::Setup;
  if (const auto* link = dynamic_cast<const LinkError*>(&error)) {
    const auto fault = link->fault();
    const bool away =
        fault == LinkFault::Connect || fault == LinkFault::Timeout || fault == LinkFault::Lost;
    trouble = away ? Trouble::Away : Trouble::Setup;
  } else if (const auto* refused = dynamic_cast<const AgentRefused*>(&error)) {
    if (refused->code() == "busy") trouble = Trouble::Held;
  }
}

asio::awaitable<void> HostRun::open() {
  if (conversation_) co_return;
  HostAddress address;
  address.name = host_.name;
  address.port = host_.port;
  auto link = co_await parts_.links.open(address, host_.agent_command);
  auto conversation = std::make_unique<Conversation>(std::move(link));
  const auto welcome = co_await conversation->hello(parts_.controller, parts_.rollout);
  state = welcome.host();
  conversation_ = std::move(conversation);
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

asio::awaitable<void> HostRun::propose() {
  co_await open();
  std::vector<std::string> manifests;
  for (const auto& name : host_.plugins) {
    for (const auto& release : parts_.releases) {
      if (release.manifest.name().text() == name) manifests.push_back(release.manifest.text());
    }
  }
  plan = co_await conversation_->propose(std::move(manifests));
}

asio::awaitable<bool> HostRun::make_plan() {
  try {
    co_await open();
    note_state();
    if (trouble == Trouble::None) co_await propose();
    if (!parts_.keep_open) hang_up();
    co_return trouble == Trouble::None;
  } catch (const std::exception& error) {
    note(error);
  }
  co_return false;
}

void HostRun::add_probes(google::protobuf::RepeatedPtrField<wire::Probe>& to) const {
  for (const auto& name : host_.probes) {
    const auto& spec = parts_.fleet.probe(name);
    auto& probe = *to.Add();
    probe.set_name(spec.name);
    probe.set_type(spec.type == ProbeType::Tcp ? "tcp" : "http");
    probe.set_url(spec.url);
    probe.set_status(spec.status);
    for (const auto& [header, pattern] : spec.header) {
      auto& rule = *probe.add_header();
      rule.set_name(header);
      rule.set_pattern(pattern);
    }
    probe.set_body(spec.body);
    probe.set_address(spec.address);
    probe.set_interval_ms(ms32(spec.interval));
    probe.set_timeout_ms(ms32(spec.timeout));
    probe.set_successes(spec.successes);
  }
}

wire::Apply HostRun::apply_message() const {
  wire::Apply apply;
  apply.set_transaction(transaction_);
  apply.set_plan(plan->id());
  add_probes(*apply.mutable_probes());
  apply.set_deadline_ms(ms32(parts_.fleet.rollout.deadline));
  apply.set_confirm_timeout_ms(ms32(parts_.fleet.rollout.confirm_timeout));
  return apply;
}

HostPhase HostRun::take(wire::Outcome said) {
  state = said.host();
  trouble = Trouble::None;
  if (!said.cause().empty()) problem = printable(said.cause(), 4000);
  const auto phase = phase_of(said.result());
  outcome = std::move(said);
  if (!parts_.keep_open) hang_up();
  return phase;
}

// `told` becomes true when the agent may have begun: from then on silence is no longer harmless.
asio::awaitable<HostPhase> HostRun::attempt_start(Conversation::OnProgress on_progress,
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
    co_await conversation_->send_content(std::move(content));
  }
  auto apply = apply_message();
  told = true;
  const auto limit = 2 * parts_.fleet.rollout.deadline + apply_slack;
  auto said = co_await conversation_->apply(std::move(apply), std::move(on_progress), limit);
  co_return take(std::move(said));
}

asio::awaitable<HostPhase> HostRun::start(Conversation::OnProgress on_progress) {
  bool told = false;
  bool replan = false;
  try {
    const auto phase = co_await attempt_start(on_progress, told);
    co_return phase;
  } catch (const AgentRefused& refused) {
    replan = refused.code() == "changed";  // since the plan was made; nothing was done
    told = false;
    note(refused);
  } catch (const std::exception& error) {
    note(error);
  }
  plan.reset();
  if (!replan && told) {
    const auto phase = co_await renew();
    co_return phase;
  }
  if (!replan) co_return trouble == Trouble::Away ? HostPhase::Unreachable : HostPhase::Refused;
  try {
    const auto phase = co_await attempt_start(std::move(on_progress), told);
    co_return phase;
  } catch (const std::exception& error) {
    note(error);
  }
  co_return told ? HostPhase::Lost : HostPhase::Refused;
}

// What the host said of itself when it was greeted may rule a new transaction out already.
void HostRun::note_state() {
  if (state.state() == "stranded" || state.state() == "unmanageable") {
    trouble = state.state() == "stranded" ? Trouble::Stranded : Trouble::Setup;
    problem = printable(state.advice(), 2000);
  } else if (state.has_open()) {
    const auto& open = state.open();
    trouble = Trouble::Held;
    problem = printable("transaction '" + open.id() + "' of " + open.holder() +
                            " holds this host (step " + open.step() + ")",
                        2000);
  }
}

asio::awaitable<HostPhase> HostRun::settle(Deed deed, HostPhase when_silent) {
  auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(settle_pause);
  for (int attempt = 1; attempt <= settle_tries; ++attempt) {
    try {
      co_await open();
      auto said = co_await deed(*conversation_);
      problem.clear();
      trouble = Trouble::None;
      co_return take(std::move(said));
    } catch (const AgentRefused& refused) {
      note(refused);
      if (trouble != Trouble::Held) co_return HostPhase::Refused;
    } catch (const std::exception& error) {
      note(error);
    }
    if (trouble == Trouble::Setup && attempt > 1) break;  // an answer, and not one that will change
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, pause);
    co_await timer.async_wait(asio::use_awaitable);
    pause *= 2;
  }
  co_return when_silent;
}

// Each deed is a named object that is moved in: g++ 12 destroys temporaries inside a co_await
// twice.
asio::awaitable<HostPhase> HostRun::confirm() {
  Deed deed = [this](Conversation& talk) { return talk.confirm(transaction_); };
  const auto phase = co_await settle(std::move(deed), HostPhase::Lost);
  co_return phase;
}

asio::awaitable<HostPhase> HostRun::take_back(HostPhase from, std::string reason) {
  if (from == HostPhase::Done) {
    Conversation::OnProgress quiet;
    const auto phase = co_await roll_back(std::nullopt, std::move(quiet));
    co_return phase == HostPhase::Done || phase == HostPhase::Unchanged ? HostPhase::Back : phase;
  }
  Deed deed = [this, reason](Conversation& talk) { return talk.revert(transaction_, reason); };
  const auto phase = co_await settle(std::move(deed), HostPhase::Lost);
  co_return phase;
}

asio::awaitable<HostPhase> HostRun::renew() {
  Deed deed = [this](Conversation& talk) {
    return talk.renew(transaction_, parts_.fleet.rollout.confirm_timeout);
  };
  const auto phase = co_await settle(std::move(deed), HostPhase::Lost);
  co_return phase;
}

asio::awaitable<HostPhase> HostRun::roll_back(std::optional<std::uint64_t> to,
                                              Conversation::OnProgress on_progress) {
  wire::Rollback rollback;
  rollback.set_transaction(transaction_ + "/rollback");
  if (to) rollback.set_to(*to);
  rollback.set_deadline_ms(ms32(parts_.fleet.rollout.deadline));
  const auto limit = 2 * parts_.fleet.rollout.deadline + apply_slack;
  Deed deed = [rollback, on_progress, limit](Conversation& talk) {
    return talk.rollback(rollback, on_progress, limit);
  };
  const auto phase = co_await settle(std::move(deed), HostPhase::Lost);
  co_return phase;
}

}  // namespace kongfleet::controller
