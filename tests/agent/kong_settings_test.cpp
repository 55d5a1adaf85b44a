// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_settings.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_fixture.hpp"

using namespace kongfleet;
using namespace kongfleet::agent;
using Catch::Matchers::Contains;

namespace {

struct Prefix {
  std::string plugins() const {
    const KongSettings settings(directory.path() / "kong.conf", directory.path(), ConfDialect{});
    return settings.effective("plugins").value_or("none");
  }
  void give(uid_t user) const { REQUIRE(::lchown(env.c_str(), user, user) == 0); }
  const TempDir directory;
  const fs::path env = directory.path() / ".kong_env";
};

}  // namespace

TEST_CASE(".kong_env is read where it is a file of Kong's, and nothing else in its place") {
  REQUIRE(::geteuid() == 0);
  constexpr uid_t stranger = 4321;
  const Prefix prefix;
  CHECK(prefix.plugins() == "none");
  replace_file(prefix.env, "plugins = a\n", 0640);
  CHECK(prefix.plugins() == "a");
  prefix.give(stranger);
  CHECK(prefix.plugins() == "a");
  fs::remove(prefix.env);
  replace_file(prefix.directory.path() / "secret", "plugins = secret\n", 0600);
  fs::create_symlink("secret", prefix.env);
  CHECK(prefix.plugins() == "secret");  // as root has it
  prefix.give(stranger);
  CHECK_THROWS_WITH(prefix.plugins(), Contains("symlink of user 4321"));
  fs::remove(prefix.env);
  REQUIRE(::mkfifo(prefix.env.c_str(), 0644) == 0);
  CHECK_THROWS_WITH(prefix.plugins(), Contains("not a regular file"));
}
