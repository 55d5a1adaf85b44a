// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/stale_sockets.hpp"

#include "agent/agent_socket.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet::agent;

TEST_CASE("only sockets that nobody listens at are removed") {
  const TempDir directory;
  const auto stale = directory.path() / "worker_events.sock";
  const auto live = directory.path() / "live.sock";
  const auto file = directory.path() / "nginx.conf";
  { const auto closed = listen_at(stale, ""); }
  const auto open = listen_at(live, "");
  std::ofstream(file) << "x";
  CHECK(remove_stale_sockets(directory.path()) == std::vector<std::string>{stale.string()});
  CHECK(std::filesystem::exists(live));
  CHECK(std::filesystem::exists(file));
  CHECK(remove_stale_sockets(directory.path() / "absent").empty());
}
