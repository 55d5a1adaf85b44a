// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agents_fixture.hpp"

#include "controller/clock.hpp"
#include "controller/proposal.hpp"
#include "proto/framing.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tree_fixture.hpp"
#include <map>

namespace kongfleet::controller {

namespace {

constexpr auto look_again = std::chrono::milliseconds(2);

std::string word_for(const wire::ToAgent& message) {
  if (message.has_apply()) return "apply";
  if (message.has_confirm()) return "confirm";
  if (message.has_revert()) return "revert";
  if (message.has_renew()) return "renew";
  if (message.has_checkup()) {
    std::string word = "checkup";
    for (const auto& plugin : message.checkup().plugins()) word += " " + plugin;
    return word;
  }
  return message.has_rollback() ? "rollback" : "propose";
}

// As an agent to which all goes well.
wire::ToController answer_to(const wire::ToAgent& message) {
  wire::ToController answer;
  if (message.has_propose()) {
    answer.mutable_plan()->set_id("plan-1");
    return answer;
  }
  if (message.has_checkup()) {
    answer.mutable_checkup();
    return answer;
  }
  auto& outcome = *answer.mutable_outcome();
  outcome.set_result(wire::Outcome::COMMITTED);
  if (message.has_apply()) outcome.set_transaction(message.apply().transaction());
  if (message.has_confirm()) outcome.set_transaction(message.confirm().transaction());
  if (message.has_revert()) outcome.set_transaction(message.revert().transaction());
  if (message.has_renew()) outcome.set_transaction(message.renew().transaction());
  if (message.has_rollback()) outcome.set_transaction(message.rollback().transaction());
  if (message.has_apply() || message.has_renew()) outcome.set_result(wire::Outcome::TRIAL);
  if (message.has_revert()) outcome.set_result(wire::Outcome::ROLLED_BACK);
  outcome.mutable_host()->set_state(outcome.result() == wire::Outcome::TRIAL ? "trial" : "ready");
  return answer;
}

}  // namespace

class AgentsFixture::Link final : public HostLink {
public:
  Link(AgentsFixture& agents, std::size_t host) : agents_(agents), host_(host) {}

  asio::awaitable<void> write(std::string bytes, std::chrono::milliseconds) override {
    reader_.feed(bytes);
    said_ = true;
    while (const auto body = reader_.next()) {
      wire::ToAgent message;
      if (!message.ParseFromString(*body)) throw Error("what is that?");
      hear(message);
    }
    co_return;
  }
  asio::awaitable<std::string> read(std::chrono::milliseconds limit) override {
    const auto end = Clock::now() + limit;
    if (std::exchange(said_, false)) ++agents_.flights[host_];
    Timer timer(co_await asio::this_coro::executor);
    while (inbox_.empty()) {
      if (Clock::now() >= end) throw LinkError(LinkFault::Timeout, "no answer in time");
      timer.expires_after(look_again);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return std::exchange(inbox_, "");
  }
  std::string remote_stderr() const override { return ""; }
  std::optional<int> exit_status() const override { return std::nullopt; }
  std::string host_key_fingerprint() const override { return "SHA256:" + std::to_string(host_); }
  void close() noexcept override {}

private:
  void hear(const wire::ToAgent& message) {
    wire::ToController answer;
    if (message.has_hello()) {
      answer.mutable_welcome()->set_protocol(protocol_version);
      answer.mutable_welcome()->set_identity("agent-" + std::to_string(host_));
      if (agents_.knows_checkup[host_])
        answer.mutable_welcome()->add_features(std::string(checkup_feature));
      if (agents_.greets) agents_.greets(host_, *answer.mutable_welcome()->mutable_host());
    } else if (message.has_blob()) {
      return;
    } else {
      agents_.told[host_].push_back(word_for(message));
      if (agents_.answers && !agents_.answers(host_, message)) return;
      const auto code = agents_.refuses ? agents_.refuses(host_, message) : "";
      if (code.empty())
        answer = answer_to(message);
      else
        answer.mutable_refused()->set_code(code);
      if (code.empty() && agents_.says) agents_.says(host_, answer);
    }
    const auto bytes = frame(answer.SerializeAsString());
    inbox_ += agents_.repeats && answer.has_outcome() ? bytes + bytes : bytes;
  }

  AgentsFixture& agents_;
  std::size_t host_;
  FrameReader reader_;
  std::string inbox_;
  bool said_ = false;
};

class AgentsFixture::Links final : public HostLinks {
public:
  explicit Links(AgentsFixture& agents) : agents_(agents) {}
  asio::awaitable<std::unique_ptr<HostLink>> open(const HostAddress& host,
                                                  const std::string&) override {
    const auto number = static_cast<std::size_t>(std::stoul(host.name.substr(5))) - 1;
    if (agents_.connecting) agents_.connecting(number);
    Timer timer(co_await asio::this_coro::executor);
    while (agents_.away[number]) {
      timer.expires_after(look_again);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    std::unique_ptr<HostLink> link = std::make_unique<Link>(agents_, number);
    co_return link;
  }

private:
  AgentsFixture& agents_;
};

AgentsFixture::AgentsFixture(std::size_t hosts)
    : away(hosts),
      knows_checkup(hosts),
      told(hosts),
      flights(hosts),
      links_(std::make_unique<Links>(*this)) {
  fleet_.name = "edge";
  for (std::size_t i = 1; i <= hosts; ++i) {
    FleetHost host;
    host.name = "edge-" + std::to_string(i);
    fleet_.hosts.push_back(std::move(host));
  }
}

AgentsFixture::~AgentsFixture() = default;

void AgentsFixture::add_release(const std::string& name) {
  releases_.push_back(
      make_release(*PluginName::parse(name), *Version::parse("1.0.0"), good_tree(name)));
  for (auto& host : fleet_.hosts) host.plugins.push_back(name);
}

wire::ReleaseId AgentsFixture::release() const {
  return releases_of(fleet_.hosts[0].plugins, releases_).at(0);
}

FleetRun& AgentsFixture::run(const std::string& kind) {
  std::vector<const FleetHost*> hosts;
  for (const auto& host : fleet_.hosts) hosts.push_back(&host);
  run_ = std::make_unique<FleetRun>(fleet_, hosts, releases_, kind, kind + "-1",
                                    RunGround{loop_, *links_, "ops@deploy-1"});
  return *run_;
}

}  // namespace kongfleet::controller
