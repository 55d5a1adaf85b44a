// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/message_limits.hpp"

#include "proto/error.hpp"
#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <regex>
#include <set>

using namespace kongfleet;

TEST_CASE("what counts as holding fields is what kongfleet.proto says") {
  std::ifstream file(KONGFLEET_SOURCE "/proto/kongfleet.proto");
  REQUIRE(file);
  const std::regex begin("message (\\w+) \\{.*");
  const std::regex field(" *(repeated |optional )?(\\w+) \\w+ = (\\d+);.*");
  const std::set<std::string> plain = {"string", "bytes", "uint32", "uint64",  "int32",
                                       "int64",  "bool",  "Result", "Verdict", "Remedy"};
  std::string message;
  std::smatch found;
  std::size_t seen = 0;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_match(line, found, begin)) {
      message = found[1];
    } else if (std::regex_match(line, found, field)) {
      const bool numbers = found[1] == "repeated " && found[2].str().starts_with("uint");
      INFO(message << ": " << line);
      CHECK(holds_fields(message, static_cast<unsigned>(std::stoul(found[3]))) ==
            (numbers || !plain.contains(found[2])));
      ++seen;
    }
  }
  CHECK(seen > 100);
}

TEST_CASE("a message of more fields than make sense is refused, wherever they are") {
  const auto refused = [](const std::string& bytes, MessageKind kind) {
    CHECK_THROWS_WITH(check_message_fields(bytes, kind),
                      Catch::Contains("a message of more than 65536 fields"));
  };
  wire::ToAgent to_agent;
  for (int i = 0; i < 70'000; ++i) to_agent.mutable_propose()->add_manifests();
  refused(to_agent.SerializeAsString(), MessageKind::ToAgent);
  auto& probe = *to_agent.mutable_apply()->add_probes();
  for (int i = 0; i < 70'000; ++i) probe.add_header();
  refused(to_agent.SerializeAsString(), MessageKind::ToAgent);
  wire::ToController to_controller;
  for (int i = 0; i < 70'000; ++i) to_controller.mutable_outcome()->add_steps();
  refused(to_controller.SerializeAsString(), MessageKind::ToController);
  for (int i = 0; i < 70'000; ++i)
    to_controller.mutable_status()->mutable_host()->add_generations(1);
  refused(to_controller.SerializeAsString(), MessageKind::ToController);
}

TEST_CASE("a plan that lacks as many files as fit into a frame is taken") {
  wire::ToController message;
  while (message.ByteSizeLong() + 4096 < frame_bytes_max) {
    for (int i = 0; i < 60; ++i) message.mutable_plan()->add_missing(std::string(64, 'a'));
  }
  CHECK_NOTHROW(check_message_fields(message.SerializeAsString(), MessageKind::ToController));
  CHECK_NOTHROW(check_message_fields("\xff\xff", MessageKind::ToAgent));
  CHECK_NOTHROW(check_message_fields("", MessageKind::ToAgent));
}
