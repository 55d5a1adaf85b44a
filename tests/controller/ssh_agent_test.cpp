// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_agent.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {
namespace {

const std::vector<AgentKey> held = {{"blob-a", "a"}, {"blob-b", "b"}, {"blob-c", "c"}};

std::string chosen(const AgentChoice& choice) {
  std::string names;
  for (const AgentKey& key : choose_agent_keys(held, choice)) names += key.comment;
  return names;
}

}  // namespace

TEST_CASE("agent: a list of keys goes there and back") {
  const std::optional<std::vector<AgentKey>> back = parse_agent_keys(agent_keys_answer(held));
  REQUIRE(back);
  REQUIRE(back->size() == 3);
  CHECK((*back)[1].blob == "blob-b");
  CHECK((*back)[2].comment == "c");
  CHECK(parse_agent_keys(agent_keys_answer({}))->empty());
}

TEST_CASE("agent: an answer cut anywhere, or with a count or length too large, is none") {
  const std::string answer = agent_keys_answer(held);
  for (std::size_t length = 0; length < answer.size(); ++length) {
    CHECK(!parse_agent_keys(answer.substr(0, length)));
  }
  std::string large = answer;
  large[1] = '\x7f';  // two thousand million keys
  CHECK(!parse_agent_keys(large));
  large = answer;
  large[5] = '\x7f';  // in the first key's length
  CHECK(!parse_agent_keys(large));
  CHECK(!parse_agent_keys("\x05"));  // SSH_AGENT_FAILURE
}

TEST_CASE("agent: the keys wanted come first, then the others unless only those are wanted") {
  AgentChoice choice;
  CHECK(chosen(choice) == "abc");
  choice.wanted = {"blob-c", "blob-x", "blob-c"};
  CHECK(chosen(choice) == "cab");
  choice.only_wanted = true;
  CHECK(chosen(choice) == "c");
  choice.only_wanted = false;
  choice.most = 2;
  CHECK(chosen(choice) == "ca");
}

}  // namespace kongfleet::controller
