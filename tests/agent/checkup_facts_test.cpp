// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/checkup_facts.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <algorithm>
#include <fstream>
#include <map>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace fs = std::filesystem;

namespace {

/// An agent whose Kong is a packaged one without a flaw.
struct WellAgent : AgentFixture {
  WellAgent() {
    gateway.facts.status = "http://127.0.0.1:8007";
    gateway.facts.unit = "kong.service";
    gateway.detailed.status_answers = true;
    gateway.detailed.shutdown_timeout = "60s";
    config.socket = directory.path() / "no.sock";
    config.allowed_signers = directory.path() / "allowed_signers";
  }
  /// What is not right, by name.
  std::map<std::string, Check> ailments() {
    std::map<std::string, Check> bad;
    for (const auto& check : transactions->check_up({"my-plugin"}))
      if (check.verdict != CheckVerdict::Right) bad.emplace(check.name, check);
    return bad;
  }
  Check only(const std::string& name) {
    const auto bad = ailments();
    for (const auto& [found, check] : bad) UNSCOPED_INFO(found << ": " << check.text);
    REQUIRE(bad.size() == 1);
    REQUIRE(bad.contains(name));
    return bad.at(name);
  }
  fs::path generation() const { return *fs::directory_iterator(config.state / "generations"); }
};

std::string tree(const fs::path& directory) {
  std::string text;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths)
    text += path.string() + " " +
            std::to_string(fs::last_write_time(path).time_since_epoch().count()) + "\n";
  return text;
}

}  // namespace

TEST_CASE("a check-up of a host that is well finds nothing and writes nothing") {
  WellAgent agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto before = tree(agent.directory.path());
  CHECK(agent.ailments().empty());
  CHECK(agent.transactions->check_up({}).size() == 19);
  CHECK(tree(agent.directory.path()) == before);
}

TEST_CASE("a check-up finds a file of the generation that others may write") {
  WellAgent agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto handler = agent.generation() / "kong/plugins/my-plugin/handler.lua";
  fs::permissions(handler, fs::perms::others_write, fs::perm_options::add);
  CHECK(agent.only("state").text.find(handler.string()) != std::string::npos);
}

TEST_CASE("a check-up finds a file of the generation that was changed") {
  WellAgent agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  std::ofstream(agent.generation() / "kong/plugins/my-plugin/handler.lua") << "return {}";
  CHECK(agent.only("drift").remedy.text == "kongfleet sync HOST");
}

TEST_CASE("a check-up finds what overrides kong.conf") {
  WellAgent agent;
  Finding finding;
  finding.code = "override";
  finding.text = "KONG_PLUGINS overrides it";
  agent.gateway.overriding = {finding};
  CHECK(agent.only("configuration").verdict == CheckVerdict::Wrong);
}

TEST_CASE("a check-up finds a kong.conf with another name, and a socket for everybody") {
  WellAgent agent;
  fs::create_hard_link(agent.config.conf, agent.directory.path() / "twin");
  CHECK(agent.only("conf").text.find("2 hard links") != std::string::npos);
  fs::remove(agent.directory.path() / "twin");
  agent.config.socket = agent.directory.path() / "agent.sock";
  std::ofstream(agent.config.socket) << "";
  fs::permissions(agent.config.socket, fs::perms::all);
  CHECK(agent.only("socket").verdict == CheckVerdict::Wrong);
}

TEST_CASE("a check-up finds a disk with less room than is reserved") {
  WellAgent agent;
  agent.config.reserve = std::uint64_t{1} << 60U;
  CHECK(agent.only("space").verdict == CheckVerdict::Wrong);
}

TEST_CASE("a check-up finds that nobody's signature could be checked") {
  WellAgent agent;
  agent.config.signatures = "required";
  CHECK(agent.only("signers").remedy.kind == RemedyKind::Edit);
  std::ofstream(agent.config.allowed_signers) << "no key\n";
  fs::permissions(agent.config.allowed_signers, fs::perms(0644));
  CHECK(agent.only("signers").remedy.kind == RemedyKind::Edit);
  fs::permissions(agent.config.allowed_signers, fs::perms(0666));
  CHECK(agent.only("signers").remedy.kind == RemedyKind::Host);
  agent.config.signatures = "off";
  CHECK(agent.ailments().empty());
}

TEST_CASE("a check-up tells an open trial, and no drift that is meant") {
  WellAgent agent;
  REQUIRE(agent.result(agent.apply("1.0.0")) == Result::Trial);
  CHECK(agent.only("transaction").verdict == CheckVerdict::Warning);
}

TEST_CASE("a check-up of a host without a Kong that can be managed looks at the rest") {
  WellAgent agent;
  agent.gateway.inspect_problem = "find Kong's command 'kong': there is none; install Kong";
  CHECK(agent.only("kong").remedy.text == "install Kong");
}
