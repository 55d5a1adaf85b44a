// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_hooks.hpp"

#include "controller/fleet_file.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

using Words = std::vector<std::string>;

Fleet parse(const std::string& lines) {
  return parse_fleet("[fleet]\nname = \"f\"\n[groups.g]\nhosts = [\"a\"]\nplugins = []\n" + lines,
                     {.path = "/dir/fleet.toml", .home = "/home/me"});
}

std::string mistake(const std::string& lines) {
  return message_of([&] { parse(lines); });
}

}  // namespace

TEST_CASE("hooks are programs with their words, found in PATH or from the fleet file on") {
  const auto fleet = parse(R"([hooks]
before_wave = "notify --to 'the team'"
before_host = ["./drain", "$HOST"]
after_host = "~/bin/undrain now"
[rollout]
confirm_timeout = "30s"
)");
  CHECK(fleet.hooks.before_wave == Words{"notify", "--to", "the team"});
  CHECK(fleet.hooks.before_host == Words{"/dir/drain", "$HOST"});
  CHECK(fleet.hooks.after_host == Words{"/home/me/bin/undrain", "now"});
  CHECK(fleet.hooks.after_rollout.empty());
  CHECK(fleet.hooks.timeout == std::chrono::seconds(15));
}

TEST_CASE("mistakes in [hooks], [webhook] and [metrics]") {
  CHECK(mistake("[hooks]\ntimeout = \"6m\"\n") ==
        "/dir/fleet.toml:7:11: found 6m for 'timeout'; a hook may take half of confirm_timeout, "
        "10m: a trial must not run out while a hook runs");
  CHECK(mistake("[hooks]\nbefore_hosts = \"x\"\n") ==
        "/dir/fleet.toml:7:1: unknown key 'before_hosts' in [hooks]; did you mean 'before_host'?");
  CHECK(mistake("[hooks]\nafter_host = \"a > b\"\n").find("no shell reads this") !=
        std::string::npos);
  CHECK(mistake("[webhook]\nurl = \"ftp://x\"\n") ==
        "/dir/fleet.toml:7:7: found \"ftp://x\" for 'url'; it begins with http:// or https://");
  CHECK(mistake("[webhook]\n") ==
        "/dir/fleet.toml:6:1: [webhook] has no 'url'; write url = "
        "\"https://hooks.example.net/kongfleet\"");
  CHECK(
      mistake("[metrics]\ntextfile = \"x.txt\"\n") ==
      "/dir/fleet.toml:7:12: found \"/dir/x.txt\" for 'textfile'; its name ends in .prom, else no "
      "collector reads it");
}

}  // namespace kongfleet::controller
