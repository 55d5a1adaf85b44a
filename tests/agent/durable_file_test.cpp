// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/durable_file.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

std::string fails(const char* doing, const fs::path& path, const char* why) {
  return std::string(doing) + " '" + path.string() + "': " + why;
}

}  // namespace

TEST_CASE("a replaced file has its content and mode, and nothing is left beside it") {
  const TempDir directory;
  const auto path = directory.path() / "file";
  replace_file(path, "one", 0640);
  replace_file(path, "two", 0600);
  CHECK(read_file(path) == "two");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

TEST_CASE("a replacement that fails says in what, and the file is the old or the new one") {
  const TempDir directory;
  const auto path = directory.path() / "file";
  const fs::path temporary = path.string() + ".new";
  replace_file(path, "old", 0600);
  const auto replace = [&] { replace_file(path, "new", 0600); };
  CHECK(message_with({SYS_unlink, EPERM}, replace) ==
        fails("remove", temporary, "Operation not permitted"));
  CHECK(message_with({SYS_openat, ENOSPC}, replace) ==
        fails("create", temporary, "No space left on device"));
  CHECK(message_with({SYS_fchmod, EIO}, replace) ==
        fails("set the mode of", temporary, "Input/output error"));
  CHECK(message_with({SYS_write, ENOSPC}, replace) ==
        fails("write", temporary, "No space left on device"));
  CHECK(message_with({SYS_fsync, EIO}, replace) == fails("sync", temporary, "Input/output error"));
  CHECK(message_with({SYS_rename, EXDEV}, replace) == "rename '" + temporary.string() + "' to '" +
                                                          path.string() +
                                                          "': Invalid cross-device link");
  CHECK(read_file(path) == "old");
  // From the rename on it is the new one, but that may not outlast a power cut.
  CHECK(message_with({.number = SYS_openat, .error = EMFILE, .nth = 2}, replace) ==
        fails("open", directory.path(), "Too many open files"));
  CHECK(message_with({.number = SYS_fsync, .error = EIO, .nth = 2}, replace) ==
        fails("sync", directory.path(), "Input/output error"));
  CHECK(read_file(path) == "new");
}

TEST_CASE("a temporary file that a death left behind is in nobody's way") {
  const TempDir directory;
  const auto path = directory.path() / "file";
  create_file(path.string() + ".new", 0600);
  replace_file(path, "new", 0600);
  CHECK(read_file(path) == "new");
}

TEST_CASE("an interrupted read or write goes on") {
  const TempDir directory;
  const auto path = directory.path() / "file";
  CHECK(message_with({SYS_write, EINTR}, [&] { replace_file(path, "whole", 0600); }).empty());
  std::string content;
  CHECK(message_with({SYS_read, EINTR}, [&] { content = read_file(path); }).empty());
  CHECK(content == "whole");
}

TEST_CASE("a file that can't be read is named, with the reason") {
  const TempDir directory;
  const auto path = directory.path() / "file";
  std::string content;
  CHECK_THROWS_WITH(read_file(path), fails("open", path, "No such file or directory"));
  CHECK_FALSE(read_file_if_there(path, content));
  replace_file(path, "four", 0600);
  CHECK(read_file(path, 4) == "four");
  CHECK_THROWS_WITH(read_file(path, 3), "read '" + path.string() + "': larger than 3 bytes");
  const auto read = [&] { read_file_if_there(path, content); };
  CHECK(message_with({SYS_openat, EACCES}, read) == fails("open", path, "Permission denied"));
  CHECK(message_with({SYS_read, EIO}, read) == fails("read", path, "Input/output error"));
  CHECK(message_with({SYS_newfstatat, EIO}, read) == fails("look at", path, "Input/output error"));
  read();
  CHECK(content == "four");
}

TEST_CASE("what is no file is not read, and a FIFO that nobody writes to holds nothing up") {
  const TempDir directory;
  const auto fifo = directory.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const std::string no_file = "it is not a regular file";
  CHECK_THROWS_WITH(read_file(fifo), "read '" + fifo.string() + "': " + no_file);
  CHECK_THROWS_WITH(read_file(directory.path()), Catch::Contains(no_file));
}

TEST_CASE("a file that must not exist is neither overwritten nor made through a link") {
  const TempDir directory;
  const auto link = directory.path() / "link";
  fs::create_symlink(directory.path() / "target", link);
  CHECK_THROWS_WITH(create_file(link, 0600), fails("create", link, "File exists"));
  CHECK_FALSE(fs::exists(directory.path() / "target"));
}

TEST_CASE("lines are appended whole, and never to what a link leads to") {
  const TempDir directory;
  const auto path = directory.path() / "lines";
  append_line(path, "one", 0600);
  append_line(path, "two", 0600);
  CHECK(read_file(path) == "one\ntwo\n");
  const auto link = directory.path() / "link";
  fs::create_symlink(path, link);
  CHECK_THROWS_WITH(append_line(link, "three", 0600),
                    fails("open", link, "Too many levels of symbolic links"));
}
