// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// The way back when the disk, Kong or other people get in its way.
#include "agent/durable_file.hpp"
#include "agent/way_back.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace std::chrono_literals;

namespace {

struct Trial : AgentFixture {
  explicit Trial(const std::string& conf = "plugins = bundled\n") : AgentFixture(conf) {
    REQUIRE(deploy("1.0.0") == Result::Committed);
    REQUIRE(result(apply("1.1.0")) == Result::Trial);
    gateway.calls.clear();
  }
  fs::path companion(const std::string& which) const {
    return directory.path() / (".kong.conf.kongfleet-" + which);
  }
  /// By the agent that comes after one that died; as a rule with no time for a second try.
  Outcome take_back(std::chrono::milliseconds limit = 0ms) {
    transactions.reset();
    const GenerationStore store(config.state / "generations");
    const Host host(config, gateway, store);
    Journal journal(config.state / "journal");
    const Ballast ballast(config.state / "ballast");
    const Trust trust(config);
    const ProgressSink nobody;
    Outcome outcome;
    WayBack({config, gateway, store, host, journal, ballast, trust}, outcome, nobody, limit)
        .run(Step::Trial, "the agent died", Witness::AfterDeath);
    return outcome;
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a switch that fails has touched nothing, and Kong isn't asked to reload") {
  AgentFixture agent;
  const auto before = agent.conf();
  Result result{};
  const auto deploy = [&] { result = agent.deploy("1.0.0"); };
  CHECK(message_with({SYS_renameat2, EIO}, deploy).empty());
  CHECK(result == Result::RolledBack);
  CHECK(agent.gateway.calls == Calls{"preflight"});
  CHECK(agent.conf() == before);
  CHECK(agent.deploy("1.0.0") == Result::Committed);
}

TEST_CASE("a switch that can't be journaled does not reach kong.conf") {
  AgentFixture agent;
  const auto before = agent.conf();
  Result result{};
  const auto deploy = [&] { result = agent.deploy("1.0.0"); };
  CHECK(message_with({SYS_pwrite64, EIO, 3}, deploy).empty());  // stage, preflight, switch
  CHECK(result == Result::RolledBack);
  CHECK(agent.gateway.calls == Calls{"preflight"});
  CHECK(agent.conf() == before);
  agent.check_at_rest();
}

TEST_CASE("a commit that the disk may hold is not taken back while that can't be journaled") {
  Trial agent;
  Result result{};
  const std::vector<SystemCall> failing{{SYS_fdatasync, EIO}, {SYS_pwrite64, EIO, 2, true}};
  const auto confirm = [&] { result = agent.result(agent.transactions->confirm("t", {})); };
  CHECK(message_with(failing, confirm).empty());
  CHECK(result == Result::Stranded);
  CHECK(agent.gateway.calls.empty());
  CHECK(agent.named_version() == "1.1.0");
  agent.restart();
  CHECK(agent.named_version() == "1.1.0");
  agent.check_at_rest();
}

TEST_CASE("a way back that can't be journaled is gone all the same") {
  Trial agent;
  Outcome outcome;
  CHECK(message_with({SYS_pwrite64, EIO}, [&] { outcome = agent.take_back(); }).empty());
  CHECK(outcome.result == Result::RolledBack);
  CHECK(agent.named_version() == "1.0.0");
  agent.restart();
  agent.check_at_rest();
}

TEST_CASE("a disk that is full, or can't be asked, gets its ballast back first") {
  Trial agent;
  REQUIRE(fs::exists(agent.config.state / "ballast/0"));
  bool there = true;
  agent.gateway.on_reload = [&] { there = fs::exists(agent.config.state / "ballast/0"); };
  const SystemCall unknown{.number = SYS_statfs, .error = EIO, .and_later = true};
  CHECK(message_with(unknown, [&] { agent.take_back(); }).empty());
  CHECK_FALSE(there);
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("when the time is up, nothing is tried again") {
  Trial agent;
  agent.gateway.on_verify = [](const Expectation&) {
    Verdict verdict;
    verdict.cause = "init_by_lua error";
    return verdict;
  };
  const auto outcome = agent.take_back();
  CHECK(outcome.result == Result::Stranded);
  CHECK(outcome.cause == "the agent died; going back failed: init_by_lua error");
  CHECK(agent.gateway.calls == Calls{"reload", "verify"});
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a Kong that refuses to reload on the way back strands the host, with its words") {
  Trial agent;
  agent.gateway.reload_problem = "nginx: configuration file test failed";
  const auto outcome = agent.take_back();
  CHECK(outcome.result == Result::Stranded);
  CHECK(has(outcome.cause, "nginx: configuration file test failed"));
}

TEST_CASE("a Kong that stays away starts with what was restored") {
  Trial agent;
  agent.gateway.facts.running = false;
  CHECK(agent.take_back().result == Result::RolledBack);
  CHECK(agent.gateway.calls.empty());
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a Kong that is being stopped is not asked to reload any more") {
  Trial agent;
  agent.gateway.facts.stopping = true;
  agent.gateway.looks_until_gone = GENERATE(3, 1000);  // 1000: it drains longer than there is time
  const auto outcome = agent.take_back(1s);
  CHECK(outcome.result == Result::RolledBack);
  CHECK(agent.gateway.calls.empty());
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a Kong that runs before the recovery of the boot is made to read what was restored") {
  Trial agent;
  agent.restart(Witness::BeforeKong);
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.gateway.calls == Calls{"reload", "verify"});
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a Kong that is just being started at boot is waited for, and made to read it") {
  Trial agent;
  agent.gateway.facts.starting = true;
  agent.gateway.looks_until_running = 3;
  agent.restart(Witness::BeforeKong);
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.gateway.ways_made > 0);
  CHECK(agent.gateway.calls == Calls{"reload", "verify"});
}

TEST_CASE("a kong.conf that a person broke is restored once they mended it") {
  Trial agent;
  const auto before = agent.conf();
  int restores = 0;
  const auto reply = agent.transactions->revert("t", "", [&](Step step, const std::string&) {
    if (step != Step::Restore) return;
    agent.edit_conf(++restores == 1 ? "[section]\n" + before : "# mended\n" + before);
  });
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(agent.conf().starts_with("# mended\n"));
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a kong.conf that is broken while Kong reloads it strands the host") {
  Trial agent;
  agent.gateway.on_reload = [&] { agent.edit_conf("[\n"); };
  const auto outcome = agent.take_back();
  CHECK(outcome.result == Result::Stranded);
  CHECK(has(outcome.cause, "kong.conf' can't be read: a line that begins with '['"));
}

TEST_CASE("an edit in the very moment of the restoring is kept") {
  Trial agent;
  const auto before = agent.conf();
  const SystemCall edit{.number = SYS_renameat2,
                        .meanwhile = [&] { agent.edit_conf("# a person was here\n" + before); }};
  CHECK(message_with(edit, [&] { agent.take_back(); }).empty());
  CHECK(agent.conf().starts_with("# a person was here\n"));
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("an edit that is being written is waited for") {
  Trial agent;
  const auto before = agent.conf();
  agent.edit_conf("");  // who copies a file over it truncates it first
  int looks = 0;
  const auto write_on = [&] {
    if (++looks == 1) agent.edit_conf("# a per");
    if (looks == 2) agent.edit_conf("# a person was here\n" + before);
  };
  Outcome outcome;
  CHECK(
      message_with({.number = SYS_clock_nanosleep, .and_later = true, .meanwhile = write_on}, [&] {
        outcome = agent.take_back();
      }).empty());
  CHECK(outcome.result == Result::RolledBack);
  CHECK(agent.conf().starts_with("# a person was here\n"));
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a companion that is empty is nobody's edit") {
  Trial agent;
  replace_file(agent.companion("new"), "", 0600);
  CHECK(agent.take_back().result == Result::RolledBack);
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("an edit in the moment another is merged is kept as well") {
  Trial agent;
  const auto before = agent.conf();
  agent.edit_conf("# first\n" + before);
  const SystemCall edit{.number = SYS_renameat2,
                        .meanwhile = [&] { agent.edit_conf("# first\n# second\n" + before); }};
  CHECK(message_with(edit, [&] { agent.take_back(); }).empty());
  CHECK(agent.conf().starts_with("# first\n# second\n"));
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a kong.conf that is edited all the time strands the host rather than losing an edit") {
  Trial agent;
  const auto before = agent.conf();
  std::string last;
  int calls = 0;
  const auto edit = [&] {  // each exchange is undone by a second call
    if (++calls % 2 == 0) return;
    last = "# " + std::to_string(calls) + "\n" + before;
    agent.edit_conf(last);
  };
  Outcome outcome;
  CHECK(message_with({.number = SYS_renameat2, .and_later = true, .meanwhile = edit}, [&] {
          outcome = agent.take_back();
        }).empty());
  CHECK(outcome.result == Result::Stranded);
  CHECK(has(outcome.cause, "it is being edited all the time"));
  CHECK(agent.conf() == last);
}

TEST_CASE("a kong.conf that is edited to and fro is given up as well") {
  Trial agent;
  const auto before = agent.conf();
  int calls = 0;
  const auto edit = [&] {
    if (++calls % 2 == 1) return agent.edit_conf("# an edit\n" + before);
    replace_file(agent.companion("restore"), before, 0600);  // it is being taken out just now
  };
  Outcome outcome;
  CHECK(message_with({.number = SYS_renameat2, .and_later = true, .meanwhile = edit}, [&] {
          outcome = agent.take_back();
        }).empty());
  CHECK(outcome.result == Result::Stranded);
  CHECK(has(outcome.cause, "it is being edited all the time"));
  CHECK(agent.conf() == before);
}

TEST_CASE("companions that somebody copied or renamed still lead back") {
  {
    Trial agent;
    fs::copy_file(agent.config.conf, agent.companion("new"), fs::copy_options::overwrite_existing);
    CHECK(agent.take_back().result == Result::RolledBack);
    CHECK(agent.named_version() == "1.0.0");
  }
  AgentFixture first("log_level = notice\n");
  REQUIRE(first.result(first.apply("1.0.0")) == Result::Trial);
  const auto companion = (first.directory.path() / ".kong.conf.kongfleet-").string();
  fs::rename(companion + "restore", companion + "new");
  first.restart();
  CHECK(first.recovered.result == Result::RolledBack);
  CHECK(first.named_version().empty());
  CHECK(has(first.conf(), "plugins = bundled\n"));
}

TEST_CASE("a generation that is gone is gone back to all the same, which is told") {
  Trial agent;
  const GenerationStore store(agent.config.state / "generations");
  fs::remove_all(store.directory(*store.find(1)));
  const auto outcome = agent.take_back();
  CHECK(outcome.result == Result::RolledBack);
  CHECK(has(outcome.cause, "generation 1, which it goes back to, is not as it was confirmed"));
  CHECK(has(outcome.cause, "it is gone"));
}
