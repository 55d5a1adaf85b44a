// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/live_file.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

struct stat look(const fs::path& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

}  // namespace

TEST_CASE("the file is exchanged there and back, and what was prepared goes") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  write(path, "old");
  const LiveFile file(path);
  file.prepare("new", "restored");
  CHECK(file.read() == "old");
  CHECK(file.exchange(LiveFile::Which::New, sha256("old")));
  CHECK(file.read() == "new");
  CHECK(file.holds(LiveFile::Which::Restore, sha256("restored")));
  CHECK(file.exchange(LiveFile::Which::Restore, sha256("new")));
  CHECK(file.read() == "restored");
  file.settle(std::nullopt);
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that was edited meanwhile is not overwritten") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  write(path, "old");
  const LiveFile file(path);
  file.prepare("new", "restored");
  write(path, "edited");
  CHECK_FALSE(file.exchange(LiveFile::Which::New, sha256("old")));
  CHECK(file.read() == "edited");
}

TEST_CASE("owner, mode and extended attributes stay") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  write(path, "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 1234, 2345) == 0);
  const bool attributes = ::setxattr(path.c_str(), "user.note", "kept", 4, 0) == 0;
  const auto before = look(path);
  const LiveFile file(path);
  file.prepare("new", "old");
  REQUIRE(file.exchange(LiveFile::Which::New, sha256("old")));
  const auto after = look(path);
  CHECK(after.st_ino != before.st_ino);
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_gid == before.st_gid);
  char value[16] = "";
  if (attributes) CHECK(::getxattr(path.c_str(), "user.note", value, sizeof value) == 4);
}

TEST_CASE("a mode that was changed after the files were prepared stays on the way back") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  write(path, "old");
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  const LiveFile file(path);
  file.prepare("new", "restored");
  REQUIRE(file.exchange(LiveFile::Which::New, sha256("old")));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  REQUIRE(file.exchange(LiveFile::Which::Restore, sha256("new")));
  CHECK((look(path).st_mode & 07777) == 0600);
}

TEST_CASE("a symlink stays and what it leads to is replaced") {
  const TempDir directory;
  fs::create_directory(directory.path() / "real");
  const auto real = directory.path() / "real" / "kong.conf";
  const auto link = directory.path() / "kong.conf";
  write(real, "old");
  fs::create_symlink(real, link);
  const LiveFile file(link);
  CHECK(file.path() == fs::canonical(real));
  file.prepare("new", "old");
  REQUIRE(file.exchange(LiveFile::Which::New, sha256("old")));
  CHECK(fs::is_symlink(link));
  CHECK(read_file(real) == "new");
}

TEST_CASE(
    "what is kept at rest is the way back, closed to others, and going it needs no new file") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  const auto kept = directory.path() / ".kong.conf.kongfleet-restore";
  write(path, "old");
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  const LiveFile file(path);
  file.prepare("new", "restored");
  REQUIRE(file.exchange(LiveFile::Which::New, sha256("old")));
  file.settle("restored");
  CHECK((look(kept).st_mode & 07777) == 0600);
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 2);
  const auto inode = look(kept).st_ino;
  const auto live = look(path).st_ino;
  file.prepare("restored", "new");
  REQUIRE(file.exchange(LiveFile::Which::New, sha256("new")));
  CHECK(look(path).st_ino == inode);
  CHECK((look(path).st_mode & 07777) == 0644);
  CHECK(file.read() == "restored");
  CHECK(file.holds(LiveFile::Which::New, sha256("new")));
  file.settle("new");
  CHECK(look(kept).st_ino == live);
}

TEST_CASE("settling what is settled writes nothing, and a changed way back is written anew") {
  const TempDir directory;
  const auto path = directory.path() / "kong.conf";
  const auto kept = directory.path() / ".kong.conf.kongfleet-restore";
  write(path, "old");
  const LiveFile file(path);
  file.settle("back");
  const auto first = look(kept);
  file.settle("back");
  CHECK(look(kept).st_ctim.tv_nsec == first.st_ctim.tv_nsec);
  file.settle("another");
  CHECK(read_file(kept) == "another");
  file.settle(std::nullopt);
  CHECK_FALSE(fs::exists(kept));
}

TEST_CASE("what is no regular file is refused by name") {
  const TempDir directory;
  CHECK_THROWS_WITH(LiveFile(directory.path() / "kong.conf"), Catch::Contains("No such file"));
  CHECK_THROWS_WITH(LiveFile(directory.path()), Catch::Contains("not a regular file"));
}
