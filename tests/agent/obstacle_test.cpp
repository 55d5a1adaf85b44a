// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/obstacle.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace fs = std::filesystem;

TEST_CASE("an ordinary file can be replaced") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  std::ofstream(path) << "x";
  CHECK(obstacle_to_replace(path).empty());
  CHECK(obstacle_to_replace(path, directory.path() / "absent").empty());
  CHECK_THROWS_WITH(obstacle_to_replace(directory.path() / "y"), Catch::Contains("look at"));
}

TEST_CASE("a file with several names is refused, so that the others are not cut off") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  std::ofstream(path) << "x";
  fs::create_hard_link(path, directory.path() / "twin");
  CHECK(obstacle_to_replace(path).find("2 hard links") != std::string::npos);
}

TEST_CASE("a file that is a mount point is refused; mountinfo escapes blanks") {
  const TempDir directory;
  const auto path = directory.path() / "my kong.conf";
  std::ofstream(path) << "x";
  const auto mounts = directory.path() / "mountinfo";
  auto escaped = path.string();
  escaped.replace(escaped.find(' '), 1, "\\040");
  std::ofstream(mounts) << "22 1 0:21 / / rw - ext4 /dev/a rw\n36 22 0:21 /x " << escaped
                        << " rw,relatime - ext4 /dev/a rw\n";
  CHECK(obstacle_to_replace(path, mounts).find("mount point") != std::string::npos);
  std::ofstream(mounts) << "36 22 0:21 /x " << escaped << "\\ rw - ext4 /dev/a rw\n";
  CHECK(obstacle_to_replace(path, mounts).empty());
}

TEST_CASE("where a file can't be looked at, that is said; one without attributes has none") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  std::ofstream(path) << "x";
  std::string said;
  const auto look = [&] { said = obstacle_to_replace(path, directory.path() / "no mounts"); };
  CHECK(message_with({SYS_openat, EACCES, 2}, look) ==
        "open '" + path.string() + "': Permission denied");
  CHECK(message_with({SYS_statfs, EIO}, look) ==
        "look at '" + directory.path().string() + "': Input/output error");
  CHECK(message_with({SYS_ioctl, ENOTTY}, look).empty());
  CHECK(said.empty());
}
