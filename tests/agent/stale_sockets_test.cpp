// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/stale_sockets.hpp"

#include "agent/agent_socket.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>

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
  // What a Kong that just starts has bound, and does not listen at yet.
  const auto bound = directory.path() / "bound.sock";
  const Fd starting(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  bound.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(starting.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(remove_stale_sockets(directory.path()) == std::vector<std::string>{stale.string()});
  CHECK(std::filesystem::exists(live));
  CHECK(std::filesystem::exists(bound));
  CHECK(std::filesystem::exists(file));
  CHECK(remove_stale_sockets(directory.path() / "absent").empty());
}

TEST_CASE("no socket is removed through a link that its directory's owner did not make") {
  REQUIRE(::geteuid() == 0);
  constexpr uid_t stranger = 4321;
  const TempDir directory;
  const auto vault = directory.path() / "vault";
  const auto prefix = directory.path() / "k";
  std::filesystem::create_directory(vault);
  { const auto closed = listen_at(vault / "root.sock", ""); }
  std::filesystem::create_symlink(vault, prefix);
  REQUIRE(::lchown(prefix.c_str(), stranger, stranger) == 0);
  CHECK_THROWS_WITH(remove_stale_sockets(prefix), Catch::Contains("symlink of user 4321"));
  CHECK(std::filesystem::exists(vault / "root.sock"));
  REQUIRE(::lchown(prefix.c_str(), 0, 0) == 0);
  CHECK(remove_stale_sockets(prefix).size() == 1);
}
