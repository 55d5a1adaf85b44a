// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// kongfleet's hands on kong.conf when system calls fail, when others write at the same time, and
// after a death.
#include "agent/durable_file.hpp"
#include "agent/live_file.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

struct Conf {
  TempDir directory;
  fs::path path = directory.path() / "kong.conf";
  fs::path next = directory.path() / ".kong.conf.kongfleet-new";
  fs::path back = directory.path() / ".kong.conf.kongfleet-restore";
  Conf() { write(path, "old"); }
  LiveFile file() const { return LiveFile(path); }
};

}  // namespace

TEST_CASE("what can't be put beside kong.conf is named, and kong.conf is as it was") {
  const Conf conf;
  const auto file = conf.file();
  const auto prepare = [&] { file.prepare("new", "restored"); };
  CHECK(message_with({SYS_openat, EMFILE}, [&] { (void)conf.file(); }) ==
        "find '" + conf.path.string() + "': Too many open files");
  CHECK(message_with({SYS_openat, EMFILE}, prepare) ==
        "find '" + conf.directory.path().string() + "': Too many open files");
  CHECK(message_with({SYS_unlinkat, EPERM}, prepare) ==
        "remove '" + conf.back.string() + ".part': Operation not permitted");
  const auto& way = conf.directory.path();  // each part of it is opened first
  const auto opened = static_cast<int>(std::distance(way.begin(), way.end()));
  CHECK(message_with({SYS_openat, EMFILE, opened + 1}, prepare) ==
        "open '" + conf.back.string() + "': Too many open files");
  CHECK(message_with({SYS_write, ENOSPC}, prepare) ==
        "write '" + conf.back.string() + ".part': No space left on device");
  CHECK(read_file(conf.path) == "old");
}

TEST_CASE("without what was to take its place, kong.conf stays") {
  const Conf conf;
  CHECK_THROWS_WITH(conf.file().exchange(LiveFile::Which::New, sha256("old")),
                    "open '" + conf.next.string() + "': No such file or directory");
  CHECK(read_file(conf.path) == "old");
}

TEST_CASE("what leads back is read back, and not relied on when it is something else") {
  const Conf conf;
  const SystemCall other{.number = SYS_renameat,
                         .meanwhile = [&] { write(conf.back.string() + ".part", "other"); }};
  CHECK(message_with(other, [&] { conf.file().prepare("new", "restored"); }) ==
        "'" + conf.back.string() + "' is not what was just put there");
  CHECK(read_file(conf.path) == "old");
}

TEST_CASE("an edit between the look and the exchange goes back in, at once") {
  const Conf conf;
  conf.file().prepare("new", "restored");
  bool exchanged = true;
  const SystemCall edit{.number = SYS_renameat2, .meanwhile = [&] { write(conf.path, "edited"); }};
  const auto problem = message_with(
      edit, [&] { exchanged = conf.file().exchange(LiveFile::Which::New, sha256("old")); });
  CHECK(problem.empty());
  CHECK_FALSE(exchanged);
  CHECK(read_file(conf.path) == "edited");
  CHECK(read_file(conf.next) == "new");
}

TEST_CASE("an edit in the moment in which another goes back in stands") {
  const Conf conf;
  conf.file().prepare("new", "restored");
  bool exchanged = true;
  int edits = 0;
  const auto edit = [&] {
    if (++edits <= 2) write(conf.path, edits == 1 ? "first edit" : "second edit");
  };
  const auto problem =
      message_with({.number = SYS_renameat2, .and_later = true, .meanwhile = edit},
                   [&] { exchanged = conf.file().exchange(LiveFile::Which::New, sha256("old")); });
  CHECK(problem.empty());
  CHECK(edits == 3);
  CHECK_FALSE(exchanged);
  CHECK(read_file(conf.path) == "second edit");
}

TEST_CASE("a mode that is changed between the look and the exchange stays") {
  const Conf conf;
  REQUIRE(::chmod(conf.path.c_str(), 0644) == 0);
  conf.file().prepare("new", "restored");
  bool exchanged = false;
  const SystemCall close_it{.number = SYS_renameat2,
                            .meanwhile = [&] { fs::permissions(conf.path, fs::perms(0600)); }};
  const auto problem = message_with(
      close_it, [&] { exchanged = conf.file().exchange(LiveFile::Which::New, sha256("old")); });
  CHECK(problem.empty());
  CHECK(exchanged);
  CHECK(read_file(conf.path) == "new");
  CHECK(fs::status(conf.path).permissions() == fs::perms(0600));
}

TEST_CASE("a way back that was kept for another kong.conf is not taken for the way there") {
  const Conf conf;
  conf.file().settle("kept");
  conf.file().prepare("kept", "not what it says now");
  CHECK(conf.file().holds(LiveFile::Which::New, sha256("kept")));
  CHECK(conf.file().holds(LiveFile::Which::Restore, sha256("not what it says now")));
}

TEST_CASE("a death in the midst of an exchange is put in order, whichever companion it was with") {
  for (const bool by_new : {true, false}) {
    const Conf conf;
    conf.file().prepare("new", "restored");
    const auto other = by_new ? conf.next : conf.back;
    fs::create_hard_link(conf.path, other.string() + ".swap");
    CHECK(conf.file().mend());
    CHECK_FALSE(conf.file().mend());
    CHECK_FALSE(fs::exists(other.string() + ".swap"));
    CHECK(read_file(conf.path) == "old");
    CHECK(read_file(other) == (by_new ? "new" : "restored"));
  }
}

TEST_CASE("settling removes what a death left, and keeps the way back") {
  const Conf conf;
  conf.file().settle("back");
  fs::create_hard_link(conf.path, conf.back.string() + ".swap");
  conf.file().settle("back");
  CHECK(read_file(conf.back) == "back");
  write(conf.back.string() + ".part", "half");
  REQUIRE(::chmod(conf.back.c_str(), 0644) == 0);
  conf.file().settle("back");
  CHECK_FALSE(fs::exists(conf.back.string() + ".part"));
  CHECK(fs::status(conf.back).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  write(conf.next, "left by a death");
  conf.file().settle("back");
  CHECK_FALSE(fs::exists(conf.next));
  fs::create_hard_link(conf.path, conf.back.string() + ".swap");
  fs::remove(conf.back);
  conf.file().settle(std::nullopt);
  CHECK(std::distance(fs::directory_iterator(conf.directory.path()), fs::directory_iterator()) ==
        1);
}

TEST_CASE("a kong.conf that can't be made to last is named, and so is its directory") {
  const Conf conf;
  const auto sync = [&] { conf.file().sync(); };
  CHECK(message_with({SYS_fsync, EIO}, sync) ==
        "sync '" + conf.path.string() + "': Input/output error");
  CHECK(message_with({.number = SYS_fsync, .error = EIO, .nth = 2}, sync) ==
        "sync '" + conf.directory.path().string() + "': Input/output error");
}
