// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/splay.hpp"
#include "controller/sync_summary.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

// Whether a signal is handled by this process: it says so in /proc.
bool handles(int signal) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigCgt:")) continue;
    return ((std::stoull(line.substr(7), nullptr, 16) >> static_cast<unsigned>(signal - 1)) & 1U) !=
           0;
  }
  return false;
}

}  // namespace

TEST_CASE("a fleet's splay is fixed, below what is allowed, and not that of another fleet") {
  CHECK(splay_of("edge", "deploy-1", 10min) == splay_of("edge", "deploy-1", 10min));
  CHECK(splay_of("edge", "deploy-1", 10min) == 562'641ms);  // for ever: people rely on it
  CHECK(splay_of("edge", "deploy-1", 0ms) == 0ms);
  std::set<std::int64_t> quarters, machines;
  for (int i = 0; i < 200; ++i) {
    const auto time = splay_of("fleet-" + std::to_string(i), "deploy-1", 4s);
    CHECK(time < 4s);
    quarters.insert(time / 1s);
    machines.insert(splay_of("edge", "deploy-" + std::to_string(i), 24h).count());
  }
  CHECK(quarters.size() == 4);
  CHECK(machines.size() == 200);
}

TEST_CASE("the wait before a sync ends at once when it is disturbed") {
  CHECK(wait_undisturbed(1ms));
  const auto began = std::chrono::steady_clock::now();
  std::thread disturber([] {
    while (!handles(SIGTERM)) std::this_thread::yield();
    ::kill(::getpid(), SIGTERM);
  });
  CHECK_FALSE(wait_undisturbed(10min));
  disturber.join();
  CHECK(std::chrono::steady_clock::now() - began < 1min);
}

TEST_CASE("a sync that changed nothing and found all well has no news") {
  RunEnd end{.kind = "sync", .id = "sync-1", .left_alone = {{nullptr, HostPhase::Unchanged}}};
  CHECK_FALSE(has_news(end));
  end.exit_code = 2;
  CHECK(has_news(end));
  end.exit_code = 0;
  end.hosts.emplace_back(nullptr, HostPhase::Done);
  CHECK(has_news(end));
}

TEST_CASE("a sync's summary is one line whose counts add up") {
  const RunEnd end{.kind = "sync",
                   .id = "sync-20261127T031500-3fa9",
                   .exit_code = 3,
                   .hosts = {{nullptr, HostPhase::Done},
                             {nullptr, HostPhase::Back},
                             {nullptr, HostPhase::Waiting}},
                   .left_alone = {{nullptr, HostPhase::Unchanged},
                                  {nullptr, HostPhase::Unchanged},
                                  {nullptr, HostPhase::Unreachable}},
                   .poisoned = {nullptr}};
  CHECK(sync_summary("edge", end, 12'045ms) ==
        "sync id=sync-20261127T031500-3fa9 fleet=edge exit=3 hosts=7 changed=1 unchanged=2 "
        "poisoned=1 failed=2 other=1 seconds=12.045");
}

}  // namespace kongfleet::controller
