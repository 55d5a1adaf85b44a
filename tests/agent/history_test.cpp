// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/history.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

Outcome ended(const std::string& transaction) {
  Outcome outcome;
  outcome.transaction = transaction;
  outcome.result = Result::Committed;
  return outcome;
}

}  // namespace

TEST_CASE("a line that the end of the power tore does not take the next one with it") {
  const TempDir directory;
  const auto path = directory.path() / "history.jsonl";
  const History history(path);
  history.add(ended("first"), "ops", 0, 1);
  append_line(path, R"({"time":"2026)", 0640);
  fs::resize_file(path, fs::file_size(path) - 3);
  history.add(ended("second"), "ops", 1, 2);
  const auto lines = history.last(10);
  REQUIRE(lines.size() == 3);
  CHECK_THAT(lines[0], Catch::Contains(R"("transaction":"first")"));
  CHECK_THAT(lines[2], Catch::StartsWith("{") && Catch::Contains(R"("transaction":"second")"));
}

TEST_CASE("a line of the history is harmless on a terminal, whoever said what is in it") {
  const TempDir directory;
  const History history(directory.path() / "history.jsonl");
  auto outcome = ended("t");
  outcome.cause = "\u009b31m \u202e \x7f";
  outcome.steps.push_back({Step::Verify, {}, false, "\u009d0;title\u009c"});
  history.add(outcome, "eve\u009b2J@\u2066one", 0, 1);
  const auto line = history.last(1).at(0);
  CHECK(line == printable(line));
  CHECK_THAT(line, Catch::Contains("31m") && Catch::Contains("title") && Catch::Contains("2J@"));
}

TEST_CASE("the name of the history is synced once, and again when there is a new file") {
  const TempDir directory;
  const auto path = directory.path() / "history.jsonl";
  const History history(path);
  int syncs = 0;
  const SystemCall counted{SYS_fsync, 0, 1, true, [&] { ++syncs; }};
  const auto add = [&] { history.add(ended("t"), "ops", 0, 1); };
  CHECK(message_with(counted, add).empty());
  CHECK(syncs == 2);  // the file and its directory
  CHECK(message_with(counted, add).empty());
  CHECK(syncs == 3);
  fs::rename(path, directory.path() / "history.1");
  CHECK(message_with(counted, add).empty());
  CHECK(syncs == 5);
}
