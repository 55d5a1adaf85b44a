// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/agent_ground.hpp"

#include "agent/session.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace kongfleet::fuzz {

using namespace agent;

namespace {

namespace fs = std::filesystem;

/// A Kong to which everything is fine.
struct CalmGateway final : Gateway {
  GatewayFacts facts;
  GatewayFacts inspect() override { return facts; }
  PreflightReport preflight(const GatewayFacts&, const fs::path&, const fs::path&,
                            std::chrono::steady_clock::time_point) override {
    return {};
  }
  std::vector<Finding> overrides(const GatewayFacts&) override { return {}; }
  Snapshot snapshot(const GatewayFacts&) override { return {.master = {1, 1}}; }
  std::string reload(const GatewayFacts&, std::chrono::steady_clock::time_point) override {
    return {};
  }
  Verdict verify(const GatewayFacts&, const Snapshot&, const Expectation& expected) override {
    facts.effective_path = expected.lua_package_path;
    return well();
  }
  Verdict still(const GatewayFacts&, const Snapshot&, const Expectation&) override {
    return well();
  }
  ProbeOutcome probe(const ProbeSpec& probe, std::chrono::steady_clock::time_point) override {
    return {.name = probe.name, .ok = true, .detail = "200"};
  }
  ProbeOutcome smoke(const GatewayFacts&, const ProbeSpec& probe,
                     std::chrono::steady_clock::time_point) override {
    return {.name = probe.name, .ok = true, .detail = "200"};
  }
  std::size_t draining(const GatewayFacts&) override { return 0; }

private:
  static Verdict well() {
    Verdict verdict;
    verdict.ok = true;
    return verdict;
  }
};

/// An agent's files in a directory beside which lies what is not its own.
class Ground {
public:
  Ground() {
    std::string name = "/dev/shm/kongfleet-fuzz-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "the test's own directory can be made");
    root_ = name;
    fs::create_directories(root_ / "agent/state");
    std::ofstream(root_ / "agent/kong.conf") << "plugins = bundled\n";
    std::ofstream(root_ / "outside") << "not the agent's\n";
  }
  ~Ground() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;
  fs::path agent() const { return root_ / "agent"; }
  /// What an input may have changed: below the agent's state, and kong.conf.
  void check() const {
    for (const auto& entry : fs::directory_iterator(root_)) {
      const auto name = entry.path().filename();
      require(name == "agent" || name == "outside", "nothing is written beside the agent");
    }
    for (const auto& entry : fs::directory_iterator(agent())) {
      const auto name = entry.path().filename().string();
      require(name == "state" || name.find("kong.conf") != std::string::npos,
              "nothing is written beside its state");
    }
  }

private:
  fs::path root_;
};

}  // namespace

std::pair<Fd, Fd> socket_pair() {
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
  return {Fd(ends[0]), Fd(ends[1])};
}

void talk_to_session(const std::function<void(Fd channel)>& talk) {
  const Ground ground;
  Config config;
  config.state = ground.agent() / "state";
  config.conf = ground.agent() / "kong.conf";
  config.reserve = 0;
  CalmGateway gateway;
  gateway.facts.version = "3.4.2";
  gateway.facts.conf = config.conf;
  gateway.facts.running = true;
  {
    Transactions transactions(config, gateway);
    transactions.recover(Witness::AfterDeath);
    auto ends = socket_pair();
    std::thread session(
        [&] { may_refuse([&] { Session(std::move(ends.second), transactions, "fuzz").run(); }); });
    talk(std::move(ends.first));
    session.join();
  }
  Transactions again(config, gateway);
  again.recover(Witness::AfterDeath);
  require(again.state().state == "ready", "it is ready after its next start");
  ground.check();
}

}  // namespace kongfleet::fuzz
