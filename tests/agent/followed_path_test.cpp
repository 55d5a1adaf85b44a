// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/followed_path.hpp"

#include "agent/durable_file.hpp"
#include "agent/live_file.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

/// Whether a deed was done; else it was refused.
template <class Deed>
bool is_done(const Deed& deed) {
  try {
    deed();
  } catch (const Error&) {
    return false;
  }
  return true;
}

/// Tries a deed again and again while its file is swapped: both happens.
template <class Deed>
void done_or_refused(const Swapper& swapper, int times, const Deed& deed) {
  int came = 0;
  for (int i = 0; i < times; ++i) came += is_done(deed) ? 1 : 0;
  CHECK(came > 0);
  CHECK(came < times);
  CHECK(swapper.swaps() > 0);
}

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

TEST_CASE("a file in another user's directory is opened if it can't be root's secret") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto text = [](const fs::path& path) { return read_file(followed_file(path), path); };
  const auto theirs = directory.path() / "theirs";
  fs::create_directory(theirs);
  REQUIRE(::chown(theirs.c_str(), stranger, stranger) == 0);
  const auto ours = file(directory, "ours", "ours");
  const auto put_there = file(directory, "theirs/log", "root's nginx");
  CHECK(text(put_there) == "root's nginx");
  CHECK(text(link(directory, "1", ours, 0)) == "ours");
  CHECK(text(link(directory, "2", put_there, stranger)) == "root's nginx");
  CHECK(text(link(directory, "3", "theirs", stranger) / "log") == "root's nginx");
  const auto trap = link(directory, "theirs/trap", ours, stranger);
  CHECK_THROWS_WITH(followed_file(trap), Contains("symlink of user 4321"));
  CHECK_THROWS_WITH(followed_file(link(directory, "4", "/", stranger)),
                    Contains("leads to a file of user 0"));
  CHECK_FALSE(followed_file(theirs / "absent"));
  CHECK_FALSE(followed_file(link(directory, "5", "absent", stranger)));
  CHECK_THROWS_WITH(followed_file(put_there / "below"), Contains("Not a directory"));
  CHECK_THROWS_WITH(followed_file(theirs), Contains("not a regular file"));
  CHECK_THROWS_WITH(followed_file("/dev/null"), Contains("not a regular file"));
  fs::create_hard_link(ours, theirs / "second");
  CHECK_THROWS_WITH(followed_file(theirs / "second"), Contains("2 hard links"));
  CHECK(text(ours) == "ours");  // in a directory that only root writes to
  const auto backup = file(directory, "theirs/backup", "their own", stranger);
  fs::create_hard_link(backup, directory.path() / "copy");
  CHECK(text(backup) == "their own");
  fs::permissions(directory.path(), fs::perms(0777));
  CHECK_THROWS_WITH(followed_file(ours), Contains("2 hard links"));
}

TEST_CASE("a log swapped for a link hundreds of thousands of times is never what it leads to") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto secret = file(directory, "secret", "secret");
  const auto log = file(directory, "error.log", "log", stranger);
  const auto trap = link(directory, "trap", secret, stranger);
  const Swapper swapper(log, trap);
  done_or_refused(swapper, tries / 10, [&] {
    const auto text = read_file(followed_file(log), log);
    if (text != "log") FAIL("read '" << text << "'");
  });
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

TEST_CASE("who may write a file is told, of it, its links and its directories") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto settings = file(directory, "agent.toml", "");
  CHECK(who_may_write(settings).empty());
  fs::permissions(settings, fs::perms(01666));
  CHECK_THAT(who_may_write(settings), Contains("agent.toml' can be written by everybody"));
  fs::permissions(settings, fs::perms(0664));
  CHECK_THAT(who_may_write(settings), Contains("agent.toml' can be written by group 0"));
  fs::permissions(settings, fs::perms(0644));
  REQUIRE(::chown(settings.c_str(), stranger, 0) == 0);
  CHECK_THAT(who_may_write(settings), Contains("belongs to user 4321"));
  REQUIRE(::chown(settings.c_str(), 0, 0) == 0);
  fs::create_directory(directory.path() / "open");
  fs::permissions(directory.path() / "open", fs::perms(0777));
  const auto through = link(directory, "open/link", settings, 0);
  CHECK_THAT(who_may_write(through), Contains("open' can be written by everybody"));
  const auto there = file(directory, "open/agent.toml", "");
  CHECK_THAT(who_may_write(link(directory, "link", there, 0)), Contains("open' can be written"));
  CHECK_THROWS_WITH(who_may_write(directory.path() / "none"), Contains("No such file"));
}

TEST_CASE("a directory of root's group that an ACL opens to others is not root's alone") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto inner = directory.path() / "state";
  fs::create_directory(inner);
  fs::permissions(inner, fs::perms(0775));
  const auto settings = file(directory, "state/agent.toml", "");
  CHECK(who_may_write(settings).empty());
  CHECK(who_may_replace(inner).empty());
  // rwx, user 4321 rwx, group r-x, mask rwx, others r-x (linux/posix_acl_xattr.h): still mode 0775.
  const std::string acl(
      "\2\0\0\0"
      "\1\0\7\0\377\377\377\377"
      "\2\0\7\0\341\20\0\0"
      "\4\0\5\0\377\377\377\377"
      "\20\0\7\0\377\377\377\377"
      "\40\0\5\0\377\377\377\377",
      44);
  REQUIRE(::lsetxattr(inner.c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0) == 0);
  CHECK_THAT(who_may_write(settings), Contains("state' can be written by whom its ACL names"));
  CHECK_THAT(who_may_replace(inner), Contains("state' can be written by whom its ACL names"));
}

TEST_CASE("a directory that is swapped for a link a million times is never gone through") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  fs::create_directory(directory.path() / "vault");
  const auto secret = file(directory, "vault/kong.conf", "secret");
  const auto theirs = directory.path() / "etc";
  fs::create_directory(theirs);
  REQUIRE(::chown(theirs.c_str(), stranger, stranger) == 0);
  const auto conf = file(directory, "etc/kong.conf", "conf", stranger);
  const auto trap = link(directory, "trap", directory.path() / "vault", stranger);
  const LiveFile live(conf);
  const Swapper swapper(theirs, trap);
  done_or_refused(swapper, tries, [&] {
    const auto text = live.read();
    if (text != "conf") FAIL("read '" << text << "'");
  });
  for (int i = 0; i < exchanges; ++i) {
    (void)is_done(
        [&] { live.prepare(i % 2 == 0 ? "next" : "conf", i % 2 == 0 ? "conf" : "next"); });
    (void)is_done(
        [&] { (void)live.exchange(LiveFile::Which::New, sha256(i % 2 == 0 ? "conf" : "next")); });
    (void)is_done([&] { (void)live.replace("conf", sha256("secret")); });
    (void)is_done([&] { live.settle("conf"); });
  }
  CHECK(read_file(secret) == "secret");
  CHECK(std::distance(fs::directory_iterator(directory.path() / "vault"), {}) == 1);
}

TEST_CASE("kong.conf that is swapped for a link a million times is never what the link leads to") {
  REQUIRE(::geteuid() == 0);
  const TempDir directory;
  const auto secret = file(directory, "secret", "secret");
  const auto conf = file(directory, "kong.conf", "conf", stranger);
  const auto trap = link(directory, "trap", secret, stranger);
  const Swapper swapper(conf, trap);
  done_or_refused(swapper, tries, [&] {
    const auto text = LiveFile(conf).read();
    if (text != "conf") FAIL("read '" << text << "'");
  });
  for (int i = 0; i < exchanges; ++i) {
    (void)is_done([&] {
      const LiveFile live(conf);
      live.prepare("next", "conf");
      (void)live.exchange(LiveFile::Which::New, sha256("conf"));
    });
    CHECK(read_file(secret) == "secret");
  }
}
