// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/agent_socket.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_fixture.hpp"

using namespace kongfleet;
using namespace kongfleet::agent;

TEST_CASE("a socket that systemd did not hand is the group's, and closed to others") {
  REQUIRE(::geteuid() == 0);
  const auto* group = ::getgrnam("daemon");
  REQUIRE(group != nullptr);
  const TempDir directory;
  const auto path = directory.path() / "run/agent.sock";
  const auto before = ::umask(0);
  const auto socket = listen_at(path, "daemon");
  ::umask(before);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0660);
  CHECK(info.st_uid == 0);
  CHECK(info.st_gid == group->gr_gid);
  CHECK(peer_user(connect_to(path)) == 0);
  CHECK_THROWS_WITH(listen_at(path, "daemon"), Catch::Contains("another agent answers"));
}

TEST_CASE("root and the members of its group may speak to the agent, and nobody else") {
  const auto user = [](const char* name) {
    const auto* entry = ::getpwnam(name);
    REQUIRE(entry != nullptr);
    return entry->pw_uid;
  };
  CHECK(may_speak(0, "daemon"));
  CHECK(may_speak(user("daemon"), "daemon"));  // its first group
  CHECK_FALSE(may_speak(user("nobody"), "daemon"));
  CHECK_FALSE(may_speak(user("daemon"), "no such group"));
  CHECK_FALSE(may_speak(4'294'967'294, "daemon"));
}
