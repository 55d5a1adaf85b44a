// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/command.hpp"

#include "agent/flat.hpp"
#include "proto/error.hpp"
#include "proto/manifest.hpp"
#include "tests/agent/agent_fixture.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

void add_probe(google::protobuf::RepeatedPtrField<wire::Probe>& probes) {
  auto& probe = *probes.Add();
  probe.set_name("echo");
  probe.set_type("http");
  probe.set_url("http://127.0.0.1/");
  probe.set_status(204);
  auto& rule = *probe.add_header();
  rule.set_name("X");
  rule.set_pattern(std::string("a\0b", 3));
  probe.set_body("body");
  probe.set_address("a:1");
  probe.set_interval_ms(1);
  probe.set_timeout_ms(UINT32_MAX);
  probe.set_successes(3);
  probe.set_plugin("my-plugin");
  probe.set_config(R"({"a":1})");
  probe.set_introduce(true);
}

/// One of each kind, with every field that the daemon is told.
std::vector<wire::ToAgent> one_of_each() {
  std::vector<wire::ToAgent> all(12);
  auto next = all.begin();
  auto& hello = *next++->mutable_hello();
  hello.set_protocol(1);
  hello.set_controller("ops");
  hello.set_rollout("r");
  auto& propose = *next++->mutable_propose();
  propose.add_manifests(AgentFixture().release("1.0.0").text());
  propose.add_signatures("-----BEGIN SSH SIGNATURE-----");
  propose.set_expected_digest("abc");
  auto& apply = *next++->mutable_apply();
  apply.set_transaction("t");
  apply.set_plan("p");
  add_probe(*apply.mutable_probes());
  apply.set_deadline_ms(5);
  apply.set_confirm_timeout_ms(6);
  next++->mutable_confirm()->set_transaction("t");
  auto& revert = *next++->mutable_revert();
  revert.set_transaction("t");
  revert.set_reason("why");
  auto& renew = *next++->mutable_renew();
  renew.set_transaction("t");
  renew.set_confirm_timeout_ms(7);
  next++->mutable_status();
  next++->mutable_history()->set_limit(9);
  auto& rollback = *next++->mutable_rollback();
  rollback.set_transaction("t");
  rollback.set_to(0);
  add_probe(*rollback.mutable_probes());
  rollback.set_deadline_ms(8);
  next++->mutable_rollback()->set_transaction("to the one before");
  next++->mutable_collect();
  next++->mutable_checkup()->add_plugins("my-plugin");
  REQUIRE(next == all.end());
  return all;
}

std::string refusal_of(const wire::ToAgent& message) {
  try {
    flat(message);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a message reaches the daemon as it was, without its parser") {
  for (const auto& message : one_of_each()) {
    const auto command = read_command(flat(message));
    CHECK(command.kind == Command::Kind::Message);
    CHECK(command.message.SerializeAsString() == message.SerializeAsString());
  }
  const auto piece = read_command(flat_content("content"));
  CHECK(piece.message.blob().data() == "content");
  CHECK_FALSE(piece.message.blob().last());
  CHECK(read_command(flat_content_end()).message.blob().last());
  CHECK(read_command(flat_nonsense("a")).kind == Command::Kind::Nonsense);
  CHECK(read_command(flat_broken("b")).why == "b");
}

TEST_CASE("a command that is cut, or longer than it should be, is refused at every byte") {
  for (const auto& message : one_of_each()) {
    const auto bytes = flat(message);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_THROWS_AS(read_command(bytes.substr(0, size)), Error);
    CHECK_THROWS_AS(read_command(bytes + "x"), Error);
  }
}

TEST_CASE("a command with other counts than an interpreter of ours writes takes no memory") {
  const auto count = [](wire::ToAgent::BodyCase kind, std::uint64_t number) {
    return FlatWriter().number(kind).number(number).take();
  };
  CHECK_THROWS_WITH(read_command(count(wire::ToAgent::kPropose, 257)),
                    Catch::Contains("257 where at most 256 is allowed"));
  CHECK_THROWS_AS(read_command(count(wire::ToAgent::kPropose, UINT64_MAX)), Error);
  CHECK_THROWS_AS(read_command(count(wire::ToAgent::kConfirm, UINT64_MAX)), Error);
  CHECK_THROWS_AS(read_command(count(wire::ToAgent::kHistory, UINT64_MAX)), Error);
  CHECK_THROWS_AS(read_command(FlatWriter().number(99).take()), Error);
}

TEST_CASE("more of something than a message may have does not reach the daemon") {
  wire::ToAgent message;
  CHECK(refusal_of(message) == "a message of a kind this agent does not know");
  for (int i = 0; i <= probes_max; ++i) message.mutable_apply()->add_probes();
  CHECK(refusal_of(message) == "too many probes ordered");
  for (int i = 0; i <= releases_max; ++i) message.mutable_propose()->add_manifests();
  CHECK(refusal_of(message) == "too many releases proposed");
  message.mutable_propose()->clear_manifests();
  message.mutable_propose()->add_signatures();
  CHECK(refusal_of(message) == "as many signatures are needed as releases, or none");
  message.mutable_propose()->add_manifests(AgentFixture().release("1.0.0").text());
  message.mutable_propose()->set_signatures(0, std::string(signature_text_max + 1, 'x'));
  CHECK(refusal_of(message) == "a signature is too long");
  message.mutable_propose()->set_manifests(0, "kongfleet-manifest 1\nname ../x\n");
  CHECK(refusal_of(message).find("is not a plugin name") != std::string::npos);
  for (int i = 0; i <= releases_max; ++i) message.mutable_checkup()->add_plugins("a");
  CHECK(refusal_of(message) == "too many plugins asked about");
  message.mutable_rollback()->add_probes();
  for (int i = 0; i < 40; ++i) message.mutable_rollback()->mutable_probes(0)->add_header();
  const auto command = read_command(flat(message));
  CHECK(command.message.rollback().probes(0).header_size() == 33);  // still one too many
}

TEST_CASE("what the daemon says: an answer as it is, or whose turn it is") {
  const auto answer = flat_answer("bytes");
  CHECK(read_reply(answer).is_answer);
  CHECK(read_reply(answer).answer == "bytes");
  CHECK_FALSE(read_reply(flat_turn(std::nullopt)).content);
  CHECK(read_reply(flat_turn(0)).content == 0U);
  CHECK(read_reply(flat_turn(89)).content == 89U);
}
