// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/interpreter.hpp"
#include "agent/session.hpp"
#include "proto/kongfleet.pb.h"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace kongfleet::fuzz;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t messages_max = 64;

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

/// Says one message after the other to a session, and waits for what must be answered.
class Talker {
public:
  explicit Talker(int socket) : socket_(Fd(socket)) {}
  void say(const std::string& body) {
    wire::ToAgent message;
    const bool sound = message.ParseFromString(body);
    // No input can know the plan's name.
    if (sound && message.has_apply() && message.apply().plan() == "PLAN")
      message.mutable_apply()->set_plan(plan_);
    socket_.send(sound ? message.SerializeAsString() : body, 5s);
    while (!sound || !message.has_blob()) {
      const auto answer = socket_.receive(20s);
      if (!answer) throw Error("it hung up");
      wire::ToController heard;
      require(heard.ParseFromString(*answer), "an answer is a message");
      if (heard.has_plan()) plan_ = heard.plan().id();
      if (!heard.has_progress()) return;
    }
  }

private:
  FrameSocket socket_;
  std::string plan_;
};

void talk(Input input, int socket) {
  Talker talker(socket);
  for (std::size_t said = 0; said < messages_max && !input.rest().empty(); ++said) {
    const auto length = std::size_t{input.byte()} << 8U | input.byte();
    const auto body = input.rest().substr(0, length);
    if (body.empty()) return;
    for (std::size_t i = 0; i < body.size(); ++i) input.byte();
    talker.say(std::string(body));
  }
}

}  // namespace

// A session of the real agent: nothing is written but its state and its two keys, and afterwards it
// starts again from what it left. The input is a row of messages, each after its length in two
// bytes.
int kongfleet_fuzz_to_agent(const std::uint8_t* data, std::size_t size) {
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
    int ends[2];
    int channel[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0, "a socket pair");
    std::thread interpreter([&] { Interpreter(Fd(ends[1]), Fd(channel[0])).run(); });
    std::thread session(
        [&] { may_refuse([&] { Session(Fd(channel[1]), transactions, "fuzz").run(); }); });
    may_refuse([&] { talk(Input(data, size), ends[0]); });
    session.join();
    interpreter.join();
  }
  Transactions again(config, gateway);
  again.recover(Witness::AfterDeath);
  require(again.state().state == "ready", "it is ready after its next start");
  ground.check();
  return 0;
}
