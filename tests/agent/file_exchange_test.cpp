// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_exchange.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

struct Pair {
  TempDir directory;
  fs::path live = directory.path() / "live";
  fs::path other = directory.path() / "other";
  fs::path second = directory.path() / "other.swap";
  Pair() {
    std::ofstream(live) << "one";
    std::ofstream(other) << "two";
  }
};

}  // namespace

TEST_CASE("two files get each other's name") {
  const Pair pair;
  exchange_files(pair.other, pair.live);
  CHECK(read_file(pair.live) == "two");
  CHECK(read_file(pair.other) == "one");
  CHECK_FALSE(finish_exchange(pair.other, pair.live));
  CHECK_THROWS_WITH(exchange_files(pair.second, pair.live), Catch::Contains("exchange with"));
}

TEST_CASE("a death before the live file was replaced leaves it as it was") {
  const Pair pair;
  fs::create_hard_link(pair.live, pair.second);
  CHECK(finish_exchange(pair.other, pair.live));
  CHECK(read_file(pair.live) == "one");
  CHECK(read_file(pair.other) == "two");
  CHECK_FALSE(fs::exists(pair.second));
}

TEST_CASE("a death after the live file was replaced leaves the exchange done") {
  const Pair pair;
  fs::create_hard_link(pair.live, pair.second);
  fs::rename(pair.other, pair.live);
  CHECK(finish_exchange(pair.other, pair.live));
  CHECK(read_file(pair.live) == "two");
  CHECK(read_file(pair.other) == "one");
  CHECK_FALSE(fs::exists(pair.second));
}
