// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Following a log in a directory that is Kong's user's, who may put anything in the log's place.
#include "agent/error_log.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include "agent_fixture.hpp"
#include <fstream>

namespace kongfleet::agent::test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kong = 4321;

/// PREFIX/logs/error.log as nginx's master makes it: root's, in a directory of Kong's user's; and
/// a file that only root may read.
struct KongLogs {
  KongLogs() {
    REQUIRE(::geteuid() == 0);
    fs::create_directories(logs);
    fs::create_directories(vault);
    give(prefix);
    give(logs);
    add(log, "old\n");
    add(vault / "error.log", "CANARY\n");
    fs::permissions(vault / "error.log", fs::perms(0600));
  }
  static void give(const fs::path& path) { REQUIRE(::lchown(path.c_str(), kong, kong) == 0); }
  static void add(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::app) << text;
  }
  void link_by_kong(const fs::path& target, const fs::path& name) const {
    fs::create_symlink(target, name);
    give(name);
  }
  const TempDir directory;
  const fs::path prefix = directory.path() / "k";
  const fs::path logs = prefix / "logs";
  const fs::path log = logs / "error.log";
  const fs::path vault = directory.path() / "vault";
};

}  // namespace

TEST_CASE("a log that root's nginx made in Kong's directory is followed, whatever its mode") {
  const KongLogs host;
  fs::permissions(host.log, fs::perms(0640));
  LogFollower follower(host.log, end_of_log(host.log));
  KongLogs::add(host.log, "new\n");
  CHECK(follower.more() == "new\n");
  CHECK(refusal_of_log(host.log) == "");
  // logrotate, with `create 0640 kong`.
  fs::rename(host.log, host.logs / "error.log.1");
  KongLogs::add(host.log, "rotated\n");
  KongLogs::give(host.log);
  KongLogs::add(host.logs / "error.log.1", "late\n");
  CHECK(follower.more() == "late\nrotated\n");
  fs::remove(host.log);
  CHECK(refusal_of_log(host.log) == "");
}

TEST_CASE("a log that root, or Kong's user within what is its own, linked to is followed") {
  const KongLogs host;
  const auto elsewhere = host.directory.path() / "var-log-kong";
  fs::create_directory(elsewhere);
  fs::remove_all(host.logs);
  KongLogs::add(elsewhere / "error.log", "old\n");
  fs::create_symlink(elsewhere, host.logs);
  LogFollower follower(host.log, end_of_log(host.log));
  KongLogs::add(elsewhere / "error.log", "by root\n");
  CHECK(follower.more() == "by root\n");
  KongLogs::give(elsewhere);
  KongLogs::give(host.logs);  // chown -R kong PREFIX
  KongLogs::add(elsewhere / "error.log", "by kong\n");
  CHECK(follower.more() == "by kong\n");
}

TEST_CASE("a link of Kong's user in the log's place shows no file of root's") {
  const KongLogs host;
  LogFollower follower(host.log, end_of_log(host.log));
  fs::remove(host.log);
  host.link_by_kong(host.vault / "error.log", host.log);
  CHECK_FALSE(follower.more());
  CHECK_THAT(refusal_of_log(host.log), Catch::Contains("symlink of user 4321"));
  // Also when it was there at the snapshot, and what it leads to grows.
  LogFollower later(host.log, end_of_log(host.log));
  KongLogs::add(host.vault / "error.log", "CANARY\n");
  CHECK_FALSE(later.more());
  // The log itself, once it is back, is read on from its beginning.
  fs::remove(host.log);
  KongLogs::add(host.log, "back\n");
  CHECK(follower.more() == "back\n");
}

TEST_CASE("a link of Kong's user in the place of the log's directory shows no file of root's") {
  const KongLogs host;
  LogFollower follower(host.log, end_of_log(host.log));
  fs::rename(host.logs, host.prefix / "o");
  host.link_by_kong(host.vault, host.logs);
  CHECK_FALSE(follower.more());
}

TEST_CASE("a hard link in the log's place, or in that of a rotated one, shows no file of root's") {
  const KongLogs host;
  LogFollower follower(host.log, end_of_log(host.log));
  fs::remove(host.log);
  fs::create_hard_link(host.vault / "error.log", host.log);
  CHECK_FALSE(follower.more());
  CHECK_THAT(refusal_of_log(host.log), Catch::Contains("2 hard links"));
  LogFollower later(host.log, end_of_log(host.log));
  fs::rename(host.log, host.logs / "error.log.1");
  KongLogs::add(host.log, "new\n");
  KongLogs::add(host.vault / "error.log", "CANARY\n");
  CHECK(later.more() == "new\n");
}

}  // namespace kongfleet::agent::test
