// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/selector.hpp"

#include "controller/fleet_file.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

const Fleet& fleet() {
  static const Fleet one = parse_fleet(R"(
    [fleet]
    name = "f"
    [groups.edge]
    hosts = ["edge-[01-03].example.net", "edge-11.example.net"]
    plugins = []
    [groups.core]
    hosts = ["core-1", "core-1:2222", "[2001:db8::7]:2222", "10.0.0.7", "edge-03.example.net"]
    plugins = []
    [groups.twins]
    hosts = ["twin.a.example", "twin.b.example"]
    plugins = []
  )",
                                       {.path = "fleet.toml"});
  return one;
}

std::string chosen(const std::vector<std::string>& selectors) {
  std::string out;
  for (const auto* host : select_hosts(fleet(), selectors)) {
    out += (out.empty() ? "" : " ") + replaced(host->label(), ".example.net", "");
  }
  return out;
}

std::string mistake(const std::vector<std::string>& selectors) {
  return message_of([&] { select_hosts(fleet(), selectors); });
}

}  // namespace

TEST_CASE("no selector means the whole fleet") { CHECK(select_hosts(fleet(), {}).size() == 10); }

TEST_CASE("a group's name chooses its hosts") {
  CHECK(chosen({"edge"}) == "edge-01 edge-02 edge-03 edge-11");
  CHECK(chosen({"core"}) == "edge-03 core-1 core-1:2222 [2001:db8::7]:2222 10.0.0.7");
}

TEST_CASE("a host is chosen by label, name, or the front of its DNS name") {
  CHECK(chosen({"edge-02.example.net"}) == "edge-02");
  CHECK(chosen({"edge-02"}) == "edge-02");
  CHECK(chosen({"edge-02.example"}) == "edge-02");
  CHECK(chosen({"[2001:db8::7]:2222"}) == "[2001:db8::7]:2222");
  CHECK(chosen({"2001:db8::7"}) == "[2001:db8::7]:2222");
  CHECK(chosen({"core-1:2222"}) == "core-1:2222");
  CHECK(chosen({"core-1"}) == "core-1");
}

TEST_CASE("'*' and '?' match within labels") {
  CHECK(chosen({"edge-0*"}) == "edge-01 edge-02 edge-03");
  CHECK(chosen({"edge-?1*"}) == "edge-01 edge-11");
  CHECK(chosen({"*"}).size() == chosen({}).size());
  CHECK(chosen({"*1.example.net"}) == "edge-01 edge-11");
}

TEST_CASE("'!' takes hosts away, wherever it stands") {
  CHECK(chosen({"edge", "!edge-03"}) == "edge-01 edge-02 edge-11");
  CHECK(chosen({"!edge-03", "edge"}) == "edge-01 edge-02 edge-11");
  CHECK(chosen({"!edge", "!twins"}) == "core-1 core-1:2222 [2001:db8::7]:2222 10.0.0.7");
  CHECK(chosen({"edge", "core", "!edge-0*"}) ==
        "edge-11 core-1 core-1:2222 [2001:db8::7]:2222 10.0.0.7");
}

TEST_CASE("hosts come in the file's order, each once") {
  CHECK(chosen({"edge-11", "edge-01", "edge", "edge-01*"}) == "edge-01 edge-02 edge-03 edge-11");
}

TEST_CASE("a selector that chooses nothing is a mistake") {
  CHECK(mistake({"egde"}) ==
        "selector 'egde' is no group and no host of the fleet; did you mean 'edge'?");
  CHECK(mistake({"!edge-04"}) ==
        "selector 'edge-04' is no group and no host of the fleet; did you mean 'edge-01'?");
  CHECK(mistake({"somewhere-else"}) ==
        "selector 'somewhere-else' is no group and no host of the fleet; 'kongfleet check' lists "
        "them");
  CHECK(mistake({"web-*"}) == "selector 'web-*' matches no host of the fleet");
  CHECK(mistake({"10.0"}) ==
        "selector '10.0' is no group and no host of the fleet; 'kongfleet check' lists them");
  CHECK(mistake({""}) ==
        "selector '' is no group and no host of the fleet; 'kongfleet check' "
        "lists them");
  CHECK(mistake({"edge", "!edge"}) == "the selectors leave no host of the fleet");
}

TEST_CASE("a selector that could mean several hosts must say so") {
  CHECK(mistake({"twin"}) ==
        "selector 'twin' stands for 'twin.a.example' and 'twin.b.example'; write 'twin*' for all "
        "of them, or one's whole name");
}

TEST_CASE("a hostile pattern is matched in bounded time") {
  CHECK(mistake({std::string(2000, '*') + "?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?x"})
            .find("matches no host") != std::string::npos);
}

}  // namespace kongfleet::controller
