// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/session.hpp"

#include "agent/command.hpp"
#include "agent/content_receiver.hpp"
#include "agent/log.hpp"
#include "agent/wire.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <set>

namespace kongfleet::agent {

namespace {

constexpr auto idle_max =
    std::chrono::minutes(10);  // a controller in a bake renews its lease far more often
constexpr auto hello_max =
    std::chrono::seconds(30);  // who connects and stays silent takes a place from others
constexpr auto send_max = std::chrono::seconds(30);
constexpr std::size_t name_max = 128;
constexpr std::size_t why_max = 1024;
constexpr std::uint32_t lease_ms_min = 1000;
constexpr std::uint32_t deadline_ms_default = 5 * 60 * 1000;
constexpr std::uint32_t deadline_ms_max = 60 * 60 * 1000;

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::chrono::milliseconds lease_of(std::uint32_t ms) {
  return std::chrono::milliseconds(std::clamp(ms, lease_ms_min, 24 * deadline_ms_max));
}

}  // namespace

struct Session::Conversation {
  FrameSocket channel;
  Transactions& transactions;
  std::string tag;
  Place* place;
  std::string holder;
  Turn turn;
  bool greeted = false;
  std::optional<HostPlan> plan;
  std::unique_ptr<Incoming> incoming;
  std::unique_ptr<ContentReceiver> receiver;
  std::optional<std::uint64_t> awaited;  // bytes of content, from the next turn on

  void reply(const wire::ToController& message) {
    channel.send(flat_answer(message.SerializeAsString()), send_max);
  }

  void refuse(const Refusal& refusal) {
    wire::ToController message;
    *message.mutable_refused() = to_wire(refusal);
    reply(message);
  }

  void reply(const Transactions::Reply& result) {
    if (const auto* refusal = std::get_if<Refusal>(&result)) return refuse(*refusal);
    if (place != nullptr && std::get<Outcome>(result).result == Result::Trial) place->leads();
    wire::ToController message;
    *message.mutable_outcome() = to_wire(std::get<Outcome>(result), transactions.state());
    reply(message);
  }

  // A controller that is gone must not stop what it began: what can't be told is dropped.
  ProgressSink progress() {
    const auto began = std::chrono::steady_clock::now();
    return [this, began, gone = false](Step step, const std::string& text) mutable {
      if (gone) return;  // waiting for it again would hold up the transaction
      wire::ToController message;
      auto& progress = *message.mutable_progress();
      progress.set_step(std::string(step_name(step)));
      progress.set_text(text);
      const auto age = std::chrono::steady_clock::now() - began;
      progress.set_at_ms(static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(age).count()));
      try {
        reply(message);
      } catch (const Error&) {
        gone = true;
      }
    };
  }

  void hello(const wire::Hello& hello) {
    if (hello.protocol() == 0 || hello.protocol() > protocol_version + 1) {
      throw Error("the controller speaks protocol " + std::to_string(hello.protocol()) +
                  ", this agent " + std::to_string(protocol_version));
    }
    greeted = true;
    holder = printable(hello.controller(), name_max);
    if (!hello.rollout().empty()) holder += ", rollout " + printable(hello.rollout(), name_max);
    transactions.part(turn);  // who says Hello twice has one conversation
    turn = transactions.greet(printable(hello.rollout(), name_max));
    wire::ToController message;
    auto& welcome = *message.mutable_welcome();
    welcome.set_protocol(protocol_version);
    welcome.set_agent_version(KONGFLEET_VERSION);
    *welcome.mutable_host() = to_wire(transactions.state());
    welcome.set_identity(transactions.identity());
    welcome.add_features(std::string(smoke_feature));
    welcome.add_features(std::string(checkup_feature));
    reply(message);
  }

  void propose(const wire::Propose& propose) {
    if (propose.manifests_size() > releases_max) throw Error("too many releases proposed");
    if (propose.signatures_size() != 0 && propose.signatures_size() != propose.manifests_size())
      throw Error("as many signatures are needed as releases, or none");
    Proposal proposal;
    for (const auto& text : propose.manifests()) proposal.releases.push_back(Manifest::parse(text));
    proposal.signatures.assign(propose.signatures().begin(), propose.signatures().end());
    drop_plan();
    const auto& expected = propose.expected_digest();
    if (!expected.empty() && expected != transactions.current_digest()) {
      return refuse(
          {"changed", "this host does not run what the controller believes", std::nullopt});
    }
    plan = transactions.plan(std::move(proposal));
    if (!plan->missing.empty() && plan->refusals.empty()) {
      incoming = transactions.receive(tag);
      receiver = std::make_unique<ContentReceiver>(*incoming, plan->missing);
      awaited = receiver->awaited();
    }
    wire::ToController message;
    *message.mutable_plan() = to_wire(*plan);
    reply(message);
  }

  void drop_plan() {
    plan.reset();
    receiver.reset();
    incoming.reset();
  }

  void blob(const wire::Blob& blob) {
    if (!receiver) throw Error("content came that nobody asked for");
    receiver->feed(blob.data());
    if (blob.last()) receiver->finish();
  }

  /// Nothing for one that makes no sense to us: a newer controller may know more kinds.
  static std::optional<ProbeSpec> sound_probe(const wire::Probe& probe) {
    try {
      return from_wire(probe);
    } catch (const Error& error) {
      log_warning(std::string(error.what()) + "; going back without it");
      return std::nullopt;
    }
  }

  enum class Kind { Deploy, WayBack };
  Order order_of(const std::string& transaction,
                 const google::protobuf::RepeatedPtrField<wire::Probe>& probes,
                 std::uint32_t deadline_ms, Kind kind) const {
    if (transaction.empty() || transaction.size() > name_max)
      throw Error("a transaction needs a name of 1 to 128 bytes");
    if (probes.size() > probes_max) throw Error("too many probes ordered");
    Order order;
    order.transaction = printable(transaction, name_max);
    order.holder = holder;
    order.turn = turn;
    for (const auto& probe : probes) {
      // A way back must not depend on its probes, which only tell. A smoke test is no part of it:
      // what it goes back to may not have the plugin.
      auto spec = kind == Kind::WayBack ? sound_probe(probe) : from_wire(probe);
      if (spec && (kind == Kind::Deploy || spec->type != ProbeType::Smoke))
        order.probes.push_back(std::move(*spec));
    }
    const auto ms = deadline_ms == 0 ? deadline_ms_default : std::min(deadline_ms, deadline_ms_max);
    order.deadline = std::chrono::milliseconds(ms);
    return order;
  }

  void apply(const wire::Apply& apply) {
    auto order = order_of(apply.transaction(), apply.probes(), apply.deadline_ms(), Kind::Deploy);
    if (!plan || plan->id != apply.plan()) {
      return refuse({"bad-request",
                     "no plan '" + printable(apply.plan(), name_max) + "' was made here",
                     std::nullopt});
    }
    if (!plan->refusals.empty()) {
      return refuse({"bad-request", "the plan was refused: " + sentence(plan->refusals.front()),
                     std::nullopt});
    }
    if (receiver && !receiver->complete()) throw Error("apply came before all content");
    auto taken = std::move(*plan);
    plan.reset();
    const auto result = transactions.apply(std::move(order), std::move(taken), incoming.get(),
                                           lease_of(apply.confirm_timeout_ms()), progress());
    drop_plan();
    reply(result);
  }

  void rollback(const wire::Rollback& rollback) {
    auto order =
        order_of(rollback.transaction(), rollback.probes(), rollback.deadline_ms(), Kind::WayBack);
    std::optional<std::uint64_t> to;
    if (rollback.has_to()) to = rollback.to();
    if (const auto rescued = transactions.rescue(to, progress())) return reply(*rescued);
    if (const auto known = transactions.known(order.transaction)) return reply(*known);
    order.probes_decide = false;
    order.leaves_stranded = to.has_value();
    auto back = transactions.plan_return(to);
    if (!back.refusals.empty()) {
      return refuse({"bad-request", sentence(back.refusals.front()), std::nullopt});
    }
    if (back.unchanged) {
      Outcome outcome;
      outcome.transaction = order.transaction;
      outcome.result = Result::Unchanged;
      return reply(Transactions::Reply(outcome));
    }
    reply(transactions.apply_at_once(std::move(order), std::move(back), progress()));
  }

  void status() {
    wire::ToController message;
    *message.mutable_status()->mutable_host() = to_wire(transactions.state());
    reply(message);
  }

  void history(std::uint32_t limit) {
    constexpr std::uint32_t lines_max = 1000;
    wire::ToController message;
    auto& history = *message.mutable_history();
    for (const auto& line : transactions.history(std::min(limit, lines_max)))
      history.add_lines(line);
    reply(message);
  }

  void collect() {
    wire::ToController message;
    auto& collected = *message.mutable_collected();
    for (const auto number : transactions.collect()) collected.add_generations(number);
    reply(message);
  }

  void check_up(const wire::CheckupRequest& request) {
    if (request.plugins_size() > releases_max) throw Error("too many plugins asked about");
    std::set<std::string> plugins;
    for (const auto& name : request.plugins()) {
      if (!PluginName::parse(name)) throw Error("a plugin's name that is none");
      plugins.insert(name);
    }
    const auto asked = wall_ms();
    wire::ToController message;
    *message.mutable_checkup() = to_wire(transactions.check_up(plugins));
    message.mutable_checkup()->set_asked_ms(asked);
    message.mutable_checkup()->set_answered_ms(wall_ms());
    reply(message);
  }

  void give_turn() { channel.send(flat_turn(std::exchange(awaited, std::nullopt)), send_max); }

  void obey(const Command& command) {
    const auto& message = command.message;
    if (!greeted && message.body_case() != wire::ToAgent::kHello)
      throw Error("the first message was no Hello");
    if (command.kind == Command::Kind::Nonsense) throw Error(printable(command.why, why_max));
    switch (message.body_case()) {
      case wire::ToAgent::kHello:
        return hello(message.hello());
      case wire::ToAgent::kPropose:
        return propose(message.propose());
      case wire::ToAgent::kBlob:
        return blob(message.blob());
      case wire::ToAgent::kApply:
        return apply(message.apply());
      case wire::ToAgent::kConfirm:
        return reply(transactions.confirm(message.confirm().transaction(), progress(), turn));
      case wire::ToAgent::kRevert:
        return reply(transactions.revert(message.revert().transaction(),
                                         printable(message.revert().reason(), 1024), progress(),
                                         turn));
      case wire::ToAgent::kRenew:
        return reply(transactions.renew(message.renew().transaction(),
                                        lease_of(message.renew().confirm_timeout_ms()), turn));
      case wire::ToAgent::kStatus:
        return status();
      case wire::ToAgent::kHistory:
        return history(message.history().limit());
      case wire::ToAgent::kRollback:
        return rollback(message.rollback());
      case wire::ToAgent::kCollect:
        return collect();
      case wire::ToAgent::kCheckup:
        return check_up(message.checkup());
      case wire::ToAgent::BODY_NOT_SET:
        break;
    }
    throw Error("a message of a kind this agent does not know");
  }
};

Session::Session(Fd channel, Transactions& transactions, std::string tag, Place* place)
    : conversation_(new Conversation{FrameSocket(std::move(channel), channel_bytes_max),
                                     transactions, std::move(tag), place}) {
  if (place != nullptr) place->talks_over(conversation_->channel.fd());
}

Session::~Session() {
  if (conversation_->place != nullptr) conversation_->place->talks_over(-1);
  conversation_->transactions.part(conversation_->turn);
}

void Session::run() {
  const auto patience = [&] { return conversation_->greeted ? idle_max : hello_max; };
  while (const auto body = conversation_->channel.receive(patience())) {
    const auto command = read_command(*body);
    if (command.kind == Command::Kind::Broken) throw Error(printable(command.why, why_max));
    if (conversation_->place != nullptr) conversation_->place->speaks();
    try {
      conversation_->obey(command);
    } catch (const std::exception& error) {
      // The peer is told why, once; then the conversation is over: after a broken rule nothing that
      // follows has meaning.
      log_warning("conversation with " + conversation_->holder + ": " + error.what());
      conversation_->refuse({"bad-request", error.what(), std::nullopt});
      return;
    }
    if (conversation_->place != nullptr) conversation_->place->listens();
    conversation_->give_turn();
  }
}

}  // namespace kongfleet::agent
