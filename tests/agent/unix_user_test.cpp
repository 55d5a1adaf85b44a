// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/unix_user.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <fstream>

namespace kongfleet::agent::test {

TEST_CASE("accounts and their groups are read as the files have them") {
  std::string name = (std::filesystem::temp_directory_path() / "kfa-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const std::filesystem::path root = name;
  std::ofstream(root / "passwd") << "root:x:0:0:root:/root:/bin/sh\nbroken\n"
                                    "kong:x:101:102:Kong:/home/kong:/bin/false\nodd:x:a:b:::\n";
  std::ofstream(root / "group") << "root:x:0:\nkong:x:102:\nlogs:x:200:alice,kong\nbad:x\n";
  const UnixUsers users(root / "passwd", root / "group");
  const auto kong = users.find("kong");
  REQUIRE(kong);
  CHECK(kong->uid == 101);
  CHECK(kong->groups == std::vector<gid_t>{102, 200});
  CHECK(kong->home == "/home/kong");
  CHECK(users.find(uid_t{101}).name == "kong");
  CHECK(users.find(uid_t{4711}).name == "");
  CHECK(users.find(uid_t{4711}).gid == 4711);
  CHECK_FALSE(users.find("odd"));
  CHECK(users.group("logs") == gid_t{200});
  CHECK_FALSE(users.group("nobody-has-this"));
  const UnixUsers none("/nonexistent", "/nonexistent");
  CHECK_FALSE(none.find("root"));
  std::filesystem::remove_all(root);
}

TEST_CASE("rights come from the first of owner, group and others that fits") {
  const UnixUser user{"kong", 101, 102, {102, 200}, "/"};
  CHECK(may_read(user, 0400, 101, 0));
  CHECK_FALSE(may_read(user, 0044, 101, 102));
  CHECK(may_read(user, 0040, 0, 200));
  CHECK_FALSE(may_read(user, 0604, 0, 200));
  CHECK(may_read(user, 0604, 0, 0));
  CHECK(may_enter(user, 0711, 0, 0));
  CHECK_FALSE(may_read(user, 0711, 0, 0));
  CHECK(may_read({"root", 0, 0, {0}, "/"}, 0000, 5, 5));
}

}  // namespace kongfleet::agent::test
