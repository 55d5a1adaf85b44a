// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/followed_path.hpp"

#include "agent/durable_file.hpp"
#include "agent/live_file.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_fixture.hpp"
#include <atomic>
#include <thread>

using namespace kongfleet;
using namespace kongfleet::agent;
using Catch::Matchers::Contains;

namespace {

constexpr uid_t stranger = 4321;
constexpr int tries = 1'000'000;
constexpr int exchanges = 200;

fs::path file(const TempDir& directory, const std::string& name, const std::string& text,
              uid_t owner = 0) {
  auto path = directory.path() / name;
  replace_file(path, text, 0600);
  REQUIRE(::chown(path.c_str(), owner, owner) == 0);
  return path;
}

fs::path link(const TempDir& directory, const std::string& name, const fs::path& target,
              uid_t owner) {
  auto path = directory.path() / name;
  fs::create_symlink(target, path);
  REQUIRE(::lchown(path.c_str(), owner, owner) == 0);
  return path;
}

/// Gives two names each other's file, over and over, while it lives.
class Swapper {
public:
  Swapper(const fs::path& one, const fs::path& other)
      : thread_([this, one, other] {
          while (!over_) {
            swaps_ +=
                ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
          }
        }) {}
  Swapper(const Swapper&) = delete;
  Swapper& operator=(const Swapper&) = delete;
  ~Swapper() {
    over_ = true;
    thread_.join();
  }
  long swaps() const { return swaps_; }

private:
  std::atomic<bool> over_{false};
  std::atomic<long> swaps_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a link is followed when it is root's, or leads to its owner's own") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto ours = file(directory, "ours", "root's");
  const auto theirs = file(directory, "theirs", "theirs", stranger);
  CHECK(followed_path(link(directory, "1", ours, 0)) == fs::canonical(ours));
  CHECK(followed_path(link(directory, "2", theirs, 0)) == fs::canonical(theirs));
  CHECK(followed_path(link(directory, "3", theirs, stranger)) == fs::canonical(theirs));
  CHECK(followed_path(link(directory, "4", "./../" / directory.path().filename() / "3",
                           stranger)) == fs::canonical(theirs));
  const auto trap = link(directory, "kong.conf", ours, stranger);
  CHECK_THROWS_WITH(followed_path(trap), Contains("'" + trap.string() + "'") &&
                                             Contains("symlink of user 4321") &&
                                             Contains("file of user 0"));
  CHECK_THROWS_WITH(followed_path(link(directory, "5", trap, 0)), Contains("kong.conf"));
  const auto whole = link(directory, "6", directory.path(), stranger);
  CHECK_THROWS_WITH(followed_path(whole / "ours"), Contains("symlink of user 4321"));
  CHECK(followed_path(whole / "theirs") == fs::canonical(theirs));
}

TEST_CASE("who may replace a directory is told, wherever on the way there it is") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto state = directory.path() / "state";
  fs::create_directories(state / "generations");
  CHECK(who_may_replace(state / "generations").empty());
  fs::permissions(state, fs::perms(0777));
  CHECK_THAT(who_may_replace(state / "generations"),
             Contains(state.string() + "' can be written by everybody"));
  fs::permissions(state, fs::perms(01777));
  CHECK(who_may_replace(state / "generations").empty());
  fs::permissions(state, fs::perms(0775));
  CHECK(who_may_replace(state / "generations").empty());
  REQUIRE(::chown(state.c_str(), 0, 50) == 0);
  CHECK_THAT(who_may_replace(state), Contains("can be written by group 50"));
  REQUIRE(::chown(state.c_str(), stranger, 0) == 0);
  CHECK_THAT(who_may_replace(state / "generations"), Contains("belongs to user 4321"));
}

TEST_CASE("kong.conf that is swapped for a link a million times is never what the link leads to") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto secret = file(directory, "secret", "secret");
  const auto conf = file(directory, "kong.conf", "conf", stranger);
  const auto trap = link(directory, "trap", secret, stranger);
  const Swapper swapper(conf, trap);
  int came = 0;
  int refused = 0;
  for (int i = 0; i < tries; ++i) {
    try {
      const auto text = LiveFile(conf).read();
      if (text != "conf") FAIL("read '" << text << "'");
      ++came;
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(came > 0);
  CHECK(refused > 0);
  CHECK(swapper.swaps() > 0);
  for (int i = 0; i < exchanges; ++i) {
    try {
      const LiveFile live(conf);
      live.prepare("next", "conf");
      (void)live.exchange(LiveFile::Which::New, sha256("conf"));
    } catch (const Error&) {
      ++refused;
    }
    CHECK(read_file(secret) == "secret");
  }
}
