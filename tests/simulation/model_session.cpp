// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// ModelHost's conversations: what agent/session.cpp does.
#include "proto/manifest.hpp"
#include "tests/simulation/model_host.hpp"

#include <algorithm>

namespace kongfleet::simulation {

namespace {

constexpr std::uint32_t lease_ms_min = 1000;
constexpr std::uint32_t lease_ms_max = 24U * 60 * 60 * 1000;

milliseconds lease_of(std::uint32_t ms) {
  return milliseconds(std::clamp(ms, lease_ms_min, lease_ms_max));
}

}  // namespace

std::string digest_of(std::string_view manifests) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : manifests) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return "d" + std::to_string(hash);
}

void ModelHost::connected(const std::shared_ptr<Wire>& wire) {
  auto session = std::make_shared<Session>();
  session->wire = wire;
  sessions_[wire->number = world_.chance.next()] = session;
}

void ModelHost::receive(const std::shared_ptr<Wire>& wire, const std::string& bytes) {
  const auto found = sessions_.find(wire->number);
  if (found == sessions_.end()) return;
  const auto session = found->second;
  session->reader.feed(bytes);
  while (const auto body = session->reader.next()) {
    wire::ToAgent message;
    if (!message.ParseFromString(*body)) return world_.violated("a controller sent no message");
    if (!message.has_hello() && world_.chance.one_in(weather.twice_one_in)) {
      harmed("a message comes twice");
      session->messages.push_back(message);
    }
    session->messages.push_back(std::move(message));
  }
  obey_next(session);
}

void ModelHost::peer_gone(Wire& wire) {
  wire.host_open = false;
  const auto found = sessions_.find(wire.number);
  if (found == sessions_.end()) return;
  found->second->over = true;
  sessions_.erase(found);
}

void ModelHost::obey_next(const SessionPtr& session) {
  if (!ready_ || session->obeying || session->over || session->messages.empty()) return;
  const auto message = std::move(session->messages.front());
  session->messages.pop_front();
  session->obeying = true;
  obey(session, message);
}

void ModelHost::obey(const SessionPtr& session, const wire::ToAgent& message) {
  switch (message.body_case()) {
    case wire::ToAgent::kHello:
      return hello(session, message.hello());
    case wire::ToAgent::kPropose:
      return propose(session, message.propose());
    case wire::ToAgent::kBlob:
      has_content_ = session->complete = session->complete || message.blob().last();
      session->obeying = false;
      return obey_next(session);
    case wire::ToAgent::kApply:
      return apply(session, message.apply());
    case wire::ToAgent::kRollback:
      return rollback(session, message.rollback());
    case wire::ToAgent::kConfirm:
    case wire::ToAgent::kRevert:
    case wire::ToAgent::kRenew:
      return decide(session, message);
    default:
      return world_.violated("a controller said what it never says");
  }
}

void ModelHost::send(const SessionPtr& session, const wire::ToController& message) {
  send_to_controller(world_, *this, session->wire, frame(message.SerializeAsString()));
}

// The answer to a message; then the next one is read.
void ModelHost::reply(const SessionPtr& session, wire::ToController message) {
  auto say = [this, session, message = std::move(message)]() mutable {
    if (world_.chance.one_in(temper.lies_one_in) && temper.lie != Lie::None) {
      harmed("it lies");
      message = lie(std::move(message));
    }
    if (message.body_case() != wire::ToController::BODY_NOT_SET) {
      send(session, message);
      if (world_.chance.one_in(weather.twice_one_in)) {
        harmed("an answer comes twice");
        send(session, message);
      }
    } else {
      const auto garbage = temper.lie == Lie::Garbage
                               ? std::string("\0\0\0\5\xff\xff\xff\xff\xff", 9)
                               : std::string("\xff\xff\xff\xff", 4);
      send_to_controller(world_, *this, session->wire, garbage);
    }
    session->obeying = false;
    obey_next(session);
  };
  if (!world_.chance.one_in(temper.hangs_one_in)) return say();
  harmed("its answer is late");
  later(world_.chance.ms(1, static_cast<std::size_t>(temper.hangs_most.count())), say);
}

wire::ToController ModelHost::lie(wire::ToController truth) {
  const auto good = world_.chance.one_in(2) ? wire::Outcome::COMMITTED : wire::Outcome::TRIAL;
  switch (temper.lie) {
    case Lie::None:
      return truth;
    case Lie::Garbage:
    case Lie::EndlessFrame:
      return {};
    case Lie::WrongTransaction:
    case Lie::FalseClaim:
      if (!truth.has_outcome()) return truth;
      truth.mutable_outcome()->set_result(good);
      if (temper.lie == Lie::WrongTransaction) truth.mutable_outcome()->set_transaction("other/h1");
      return truth;
    case Lie::OutOfTurn:
      break;
  }
  wire::ToController other;
  if (truth.has_outcome()) {
    other.mutable_plan()->set_unchanged(true);
  } else {
    other.mutable_outcome()->set_result(good);
  }
  return other;
}

void ModelHost::reply(const SessionPtr& session, const wire::Outcome& outcome) {
  wire::ToController message;
  *message.mutable_outcome() = outcome;
  *message.mutable_outcome()->mutable_host() = state();
  reply(session, std::move(message));
}

void ModelHost::refuse(const SessionPtr& session, const std::string& code,
                       const std::string& text) {
  wire::ToController message;
  auto& refused = *message.mutable_refused();
  refused.set_code(code);
  refused.set_text(text);
  if (open_) *refused.mutable_holder() = state().open();
  reply(session, std::move(message));
}

bool ModelHost::is_superseded(const SessionPtr& session) const {
  const auto latest = turns_.find(session->rollout);
  return latest != turns_.end() && latest->second > session->turn;
}

wire::HostState ModelHost::state() const {
  wire::HostState state;
  state.set_generation(committed_.number);
  state.set_generation_digest(committed_.digest);
  if (!earlier_.empty()) state.set_before(earlier_.back().number);
  const auto releases = releases_.find(committed_.digest);
  if (releases != releases_.end())
    state.mutable_releases()->Assign(releases->second.begin(), releases->second.end());
  state.set_state("ready");
  if (!open_) return state;
  state.set_state(trial_ ? "trial" : stranded() ? "stranded" : "changing");
  auto& open = *state.mutable_open();
  open.set_id(open_->id);
  open.set_holder(open_->holder);
  open.set_step(agent::step_name(open_->step).data());
  open.set_generation(open_->to.number);
  return state;
}

void ModelHost::hello(const SessionPtr& session, const wire::Hello& hello) {
  session->holder = hello.controller() + ", rollout " + hello.rollout();
  session->rollout = hello.rollout();
  session->turn = ++turns_[hello.rollout()];
  wire::ToController message;
  auto& welcome = *message.mutable_welcome();
  welcome.set_protocol(protocol_version);
  welcome.set_agent_version("model");
  welcome.set_identity("boot/" + std::to_string(number_));
  *welcome.mutable_host() = state();
  reply(session, std::move(message));
}

std::string ModelHost::plan_id(const std::string& digest) const {
  return std::to_string(committed_.number) + "-" + std::to_string(edits_) + "-" + digest;
}

void ModelHost::keep_releases(const std::string& digest, const wire::Propose& propose) {
  auto& releases = releases_[digest];
  if (!releases.empty()) return;
  for (const auto& text : propose.manifests()) {
    const auto manifest = Manifest::parse(text);
    auto& release = releases.emplace_back();
    release.set_name(manifest.name().text());
    release.set_digest(manifest.digest().hex());
  }
}

void ModelHost::propose(const SessionPtr& session, const wire::Propose& propose) {
  Plan plan;
  std::string manifests;
  for (const auto& text : propose.manifests()) manifests += text;
  plan.digest = digest_of(manifests);
  keep_releases(plan.digest, propose);
  plan.id = plan_id(plan.digest);
  plan.unchanged = committed_.digest == plan.digest;
  plan.to = {last_number_ + 1, plan.digest};
  plan.objected = temper.objects && !plan.unchanged;
  wire::ToController message;
  auto& told = *message.mutable_plan();
  told.set_id(plan.id);
  told.set_unchanged(plan.unchanged);
  told.set_generation_digest(plan.digest);
  const auto poison = poison_.find(plan.digest);
  if (poison != poison_.end() && !plan.unchanged) told.set_poison(poison->second);
  if (plan.objected) told.add_refusals()->set_text("a foreign module would shadow it");
  session->plan = plan;
  session->complete = has_content_ || plan.unchanged || plan.objected;
  if (!session->complete) {
    for (const auto& text : propose.manifests()) {
      const auto manifest = Manifest::parse(text);
      for (const auto& file : manifest.files()) told.add_missing(file.digest.hex());
    }
  }
  reply(session, std::move(message));
}

void ModelHost::apply(const SessionPtr& session, const wire::Apply& apply) {
  if (!session->plan || session->plan->id != apply.plan()) {
    return refuse(session, "bad-request", "no such plan was made here");
  }
  if (session->plan->objected) return refuse(session, "bad-request", "the plan was refused");
  if (!session->complete) return world_.violated("a controller sent Apply before all content");
  const auto plan = *std::exchange(session->plan, std::nullopt);
  if (is_superseded(session)) return refuse(session, "superseded", "a later one gives the orders");
  if (working_) return refuse(session, "busy", "a transaction holds this host");
  const auto transaction = apply.transaction();
  if (const auto outcome = known(transaction)) return reply(session, *outcome);
  if (stranded()) return refuse(session, "stranded", "this host is stranded");
  if (open_) return refuse(session, "busy", "a transaction holds this host");
  if (plan_id(plan.digest) != plan.id) return refuse(session, "changed", "this host changed");
  wire::Outcome unchanged;
  unchanged.set_transaction(transaction);
  unchanged.set_result(wire::Outcome::UNCHANGED);
  if (plan.unchanged) return reply(session, unchanged);
  working_ = true;
  last_number_ = plan.to.number;
  Open open;
  open.id = transaction;
  open.holder = session->holder;
  open.to = plan.to;
  begin(
      std::move(open), lease_of(apply.confirm_timeout_ms()),
      [this, session](const wire::Outcome& outcome) { reply(session, outcome); }, session);
}

void ModelHost::rollback(const SessionPtr& session, const wire::Rollback& rollback) {
  const auto answer = [this, session](const wire::Outcome& outcome) { reply(session, outcome); };
  if (!working_ && stranded() && (!rollback.has_to() || rollback.to() == committed_.number)) {
    working_ = true;
    answer_ = answer;
    return make_way_back();
  }
  if (!working_) {
    if (const auto outcome = known(rollback.transaction())) return reply(session, *outcome);
  }
  auto to = committed_;
  if (!rollback.has_to()) {
    if (earlier_.empty()) return refuse(session, "bad-request", "there is no generation before");
    to = earlier_.back();
  } else if (rollback.to() != committed_.number) {
    auto confirmed = earlier_;
    confirmed.insert(confirmed.end(), left_.begin(), left_.end());
    const auto found = std::find_if(confirmed.begin(), confirmed.end(),
                                    [&](const auto& each) { return each.number == rollback.to(); });
    if (found == confirmed.end()) return refuse(session, "bad-request", "never confirmed here");
    to = *found;
  }
  wire::Outcome unchanged;
  unchanged.set_transaction(rollback.transaction());
  unchanged.set_result(wire::Outcome::UNCHANGED);
  if (to == committed_) return reply(session, unchanged);
  if (is_superseded(session)) return refuse(session, "superseded", "a later one gives the orders");
  if (working_ || (open_ && !stranded())) {
    return refuse(session, "busy", "a transaction holds this host");
  }
  working_ = true;
  Open open;
  open.id = rollback.transaction();
  open.holder = session->holder;
  open.to = to;
  open.returns = open.at_once = true;
  begin(std::move(open), milliseconds(300'000), answer, session);
}

// Confirm, Revert and Renew: they wait for what is under way.
void ModelHost::decide(const SessionPtr& session, const wire::ToAgent& message) {
  const auto transaction = message.has_confirm()  ? message.confirm().transaction()
                           : message.has_revert() ? message.revert().transaction()
                                                  : message.renew().transaction();
  with_work([this, session, message, transaction] {
    if (is_superseded(session)) {
      done_working();
      return refuse(session, "superseded", "a later one gives the orders");
    }
    const bool in_trial = trial_ && open_->id == transaction;
    if (!in_trial || message.has_renew()) {
      if (in_trial) {
        trial_->lease = world_.now() + lease_of(message.renew().confirm_timeout_ms());
        // What comes twice, or late, may be done when nobody is left there to hear of it.
        const auto& wire = *session->wire;
        if (wire.controller_open && !wire.broken) witness_.renewed(number_);
      }
      done_working();
      if (const auto outcome = known(transaction)) return reply(session, *outcome);
      return refuse(session, "no-transaction", "it is not open here");
    }
    answer_ = [this, session](const wire::Outcome& outcome) { reply(session, outcome); };
    if (message.has_revert()) return take_back(message.revert().reason(), false);
    trial_.reset();
    world_.note("confirmed", number_);
    witness_.confirmed(number_, transaction);
    enter(Step::Commit);
  });
}

}  // namespace kongfleet::simulation
