// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_hooks.hpp"

#include "controller/run_watch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include "run_fixture.hpp"
#include "tree_fixture.hpp"
#include <algorithm>
#include <csignal>
#include <thread>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

/// A run whose hooks are shell scripts.
struct HookedRun : RunFixture {
  ScratchDirectory scratch;
  std::vector<std::string> troubles;
  explicit HookedRun(std::size_t hosts = 1) : RunFixture(hosts) {
    fleet().hooks.directory = scratch.path();
  }
  static std::vector<std::string> script(const std::string& text) { return {"sh", "-c", text}; }
  std::function<void(std::string)> tell() {
    return [this](std::string trouble) { troubles.push_back(std::move(trouble)); };
  }
  bool said(const std::string& part) const {
    return std::any_of(troubles.begin(), troubles.end(), [&](const std::string& trouble) {
      return trouble.find(part) != std::string::npos;
    });
  }
};

void spawn(asio::io_context& io, asio::awaitable<void> story) {
  asio::co_spawn(io, std::move(story), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

/// Somebody who takes connections, and never says anything.
class Silent {
public:
  Silent() {
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_.get(), 8) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  void wait_for_somebody() const { SshFd(::accept(socket_.get(), nullptr, nullptr)); }

private:
  SshFd socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  unsigned port_ = 0;
};

}  // namespace

TEST_CASE("a hook finds every fact in its environment, and the same as JSON") {
  HookedRun run;
  run.fleet().name = "edge";
  run.fleet().hooks.after_host = HookedRun::script(
      "unset KONGFLEET_BUILD KONGFLEET_DEEP KONGFLEET_PROOF_DIR KONGFLEET_TEST_KONG; "
      "env | grep ^KONGFLEET_ | sort > told; cat > in");
  run.host(0).problem = "probe 'echo': status 500";
  RolloutHooks hooks(run.fleet(), "rollout-1", run.tell());
  asio::io_context io;
  spawn(io, hooks.after_host(run.host(0), 0, HostPhase::Back));
  io.run();
  CHECK(run.troubles.empty());
  CHECK(run.scratch.read("told") ==
        "KONGFLEET_ADDRESS=edge-1\nKONGFLEET_FLEET=edge\nKONGFLEET_HOOK=after_host\n"
        "KONGFLEET_HOST=edge-1\nKONGFLEET_PROBLEM=probe 'echo': status 500\n"
        "KONGFLEET_RESULT=back\nKONGFLEET_ROLLOUT=rollout-1\nKONGFLEET_WAVE=1\n");
  CHECK(run.scratch.read("in") ==
        R"({"schema":"kongfleet/1","hook":"after_host","fleet":"edge","rollout":"rollout-1",)"
        R"("wave":1,"host":"edge-1","address":"edge-1","problem":"probe 'echo': status 500",)"
        R"("result":"back"})"
        "\n");
}

TEST_CASE("before_wave runs once for all hosts of a wave, and once more for the next") {
  HookedRun run(3);
  run.fleet().hooks.before_wave = HookedRun::script("echo $KONGFLEET_WAVE >> told");
  RolloutHooks hooks(run.fleet(), "rollout-1", run.tell());
  asio::io_context io;
  const auto ask = [&](std::size_t host, std::size_t wave) -> asio::awaitable<void> {
    const auto objection = co_await hooks.before_host(run.host(host), wave);
    CHECK(objection.empty());
  };
  spawn(io, ask(0, 0));
  spawn(io, ask(1, 0));
  io.run();
  io.restart();
  spawn(io, ask(2, 1));
  io.run();
  CHECK(run.scratch.read("told") == "1\n2\n");
}

TEST_CASE("a host that is taken back is told of in its own wave, also after a resume") {
  HookedRun run;
  run.fleet().hooks.after_host =
      HookedRun::script("printf '%s ' $KONGFLEET_WAVE > told; cat >> told");
  RolloutHooks hooks(run.fleet(), "rollout-1", run.tell());
  asio::io_context io;
  // Nobody was asked before: that was another controller.
  spawn(io, hooks.after_host(run.host(0), 2, HostPhase::Back));
  io.run();
  CHECK(run.troubles.empty());
  CHECK_THAT(run.scratch.read("told"), Catch::StartsWith("3 {") && Catch::Contains("\"wave\":3,"));
}

TEST_CASE("a hook's pipe ends it when nobody reads, though we ignore that ourselves") {
  HookedRun run;
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  run.fleet().hooks.after_rollout =
      HookedRun::script("grep SigIgn: /proc/self/status > told; yes | head -1 > first");
  RolloutHooks(run.fleet(), "rollout-1", run.tell()).after_rollout({});
  std::signal(SIGPIPE, before);
  CHECK(run.scratch.read("first") == "y\n");
  const auto ignored = std::stoull(run.scratch.read("told").substr(7), nullptr, 16);
  CHECK((ignored >> static_cast<unsigned>(SIGPIPE - 1) & 1U) == 0);
}

TEST_CASE("hooks that run are ended when we leave, and none is begun") {
  HookedRun run;
  auto& settings = run.fleet().hooks;
  settings.timeout = 10min;
  settings.before_host = HookedRun::script("echo > began; sleep 600");
  settings.after_rollout = HookedRun::script("echo > ended");
  const auto began = Clock::now();
  {
    RolloutHooks hooks(run.fleet(), "rollout-1", run.tell());
    asio::io_context io;
    auto story = [&]() -> asio::awaitable<void> {
      const auto objection = co_await hooks.before_host(run.host(0), 0);
      CHECK_THAT(objection, Catch::Contains("was ended, for we are to leave"));
    };
    spawn(io, story());
    std::string left;
    std::thread leaver([&] {
      while (!std::filesystem::exists(run.scratch.path() / "began"))
        std::this_thread::sleep_for(1ms);
      left = hooks.leave();
    });
    io.run();
    leaver.join();
    CHECK(left == "1 hook that still ran was ended, and the hook after_rollout was not run");
  }
  CHECK(Clock::now() - began < 1min);
  CHECK_FALSE(std::filesystem::exists(run.scratch.path() / "ended"));
}

TEST_CASE(
    "who was told twice to stop waits for no hook and no webhook, and says what that spares") {
  HookedRun run;
  const Silent silent;
  auto& fleet = run.fleet();
  fleet.hooks.after_rollout = HookedRun::script("echo > ended; sleep 600");
  fleet.hooks.timeout = 10min;
  fleet.webhook = {.url = silent.url(), .timeout = 10min};
  RunWatch watch(fleet, "rollout-1");
  struct : RunView {
    void wave(std::size_t, std::size_t, std::size_t) override {}
    void baking(std::size_t, std::size_t, std::chrono::milliseconds) override {}
    void step(const HostRun&, const wire::Progress&) override {}
    void phase(const HostRun&, HostPhase) override {}
    void stopping(const std::string&) override {}
  } nobody;
  watch.around(nobody).stopping("interrupted");
  silent.wait_for_somebody();  // the first event is on its way
  const auto began = Clock::now();
  run.troubles = watch.end({.exit_code = 130, .abandoned = true});
  CHECK(Clock::now() - began < 8s);  // curl looks once a second; not the 10 s of an ordinary end
  CHECK(run.said("the hook after_rollout was not run"));
  CHECK(run.said("webhook: 2 events were not delivered"));
  CHECK_FALSE(std::filesystem::exists(run.scratch.path() / "ended"));
}

}  // namespace kongfleet::controller
