// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/durable_file.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace fs = std::filesystem;

namespace {

std::size_t entries(const fs::path& directory) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(directory)) count += entry.exists() ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("a file is replaced whole, and nothing is left beside it") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "f";
  replace_file(path, "one");
  replace_file(path, "two");
  CHECK(scratch.read("f") == "two");
  CHECK(entries(scratch.path()) == 1);
}

TEST_CASE("a replacement that fails leaves what was there, and nothing beside it") {
  const ScratchDirectory scratch;
  fs::create_directories(scratch.path() / "d/inside");
  CHECK(message_of([&] { replace_file(scratch.path() / "d", "x"); }).starts_with("rename to '"));
  CHECK(entries(scratch.path()) == 1);
  CHECK(message_of([&] { replace_file(scratch.path() / "no/f", "x"); }).starts_with("create '"));
}

TEST_CASE("a file is as private as the umask says, unless all may read it") {
  const ScratchDirectory scratch;
  const auto before = ::umask(077);
  replace_file(scratch.path() / "mine", "x");
  replace_file(scratch.path() / "all", "x", Readers::All);
  ::umask(before);
  const auto mode = [&](const char* name) {
    return static_cast<unsigned>(fs::status(scratch.path() / name).permissions());
  };
  CHECK(mode("mine") == 0600);
  CHECK(mode("all") == 0644);
}

TEST_CASE("a new file never overwrites one") {
  const ScratchDirectory scratch;
  scratch.write("f", "mine");
  CHECK(message_of([&] { create_file(scratch.path() / "f", "x"); }).ends_with("File exists"));
  fs::create_symlink("nowhere", scratch.path() / "link");
  CHECK(message_of([&] { create_file(scratch.path() / "link", "x"); }).ends_with("File exists"));
  CHECK(scratch.read("f") == "mine");
  create_file(scratch.path() / "g", "new");
  CHECK(scratch.read("g") == "new");
}

}  // namespace kongfleet::controller
