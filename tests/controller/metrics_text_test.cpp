// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/metrics_text.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet::controller;
using namespace std::chrono_literals;

TEST_CASE("metrics name the fleet and the kind of run, count hosts by phase, and say when") {
  const RunEnd end{
      .kind = "sync",
      .id = "sync-1",
      .exit_code = 3,
      .hosts = {{nullptr, HostPhase::Done}, {nullptr, HostPhase::Back}, {nullptr, HostPhase::Done}},
      .left_alone = {{nullptr, HostPhase::Unchanged}, {nullptr, HostPhase::Back}},
      .poisoned = {nullptr, nullptr, nullptr}};
  const RunTimes times{.ended = std::chrono::system_clock::time_point(1'700'000'000'050ms),
                       .took = 61'007ms};
  const auto text = metrics_text("edge", end, times);
  for (const std::string line :
       {"# TYPE kongfleet_run_hosts gauge\n",
        "kongfleet_run_hosts{fleet=\"edge\",kind=\"sync\",phase=\"done\"} 2\n",
        "kongfleet_run_hosts{fleet=\"edge\",kind=\"sync\",phase=\"back\"} 2\n",
        "kongfleet_run_hosts{fleet=\"edge\",kind=\"sync\",phase=\"unchanged\"} 1\n",
        "kongfleet_run_hosts{fleet=\"edge\",kind=\"sync\",phase=\"poisoned\"} 3\n",
        "kongfleet_run_hosts{fleet=\"edge\",kind=\"sync\",phase=\"lost\"} 0\n",
        "kongfleet_run_exit_code{fleet=\"edge\",kind=\"sync\"} 3\n",
        "kongfleet_run_end_timestamp_seconds{fleet=\"edge\",kind=\"sync\"} 1700000000.050\n",
        "kongfleet_run_duration_seconds{fleet=\"edge\",kind=\"sync\"} 61.007\n"}) {
    INFO(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("hosts that a run left in the midst of something are counted, too") {
  RunEnd end;
  for (const auto phase : {HostPhase::Changing, HostPhase::Confirming, HostPhase::Reverting})
    end.hosts.emplace_back(nullptr, phase);
  const auto text = metrics_text("edge", end, {});
  for (const std::string phase : {"changing", "confirming", "reverting"})
    CHECK(text.find("phase=\"" + phase + "\"} 1\n") != std::string::npos);
}
