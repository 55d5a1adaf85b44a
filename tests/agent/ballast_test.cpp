// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ballast.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "mount_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>

using namespace kongfleet::agent;

namespace fs = std::filesystem;

namespace {

struct Place {
  TempDir directory;
  fs::path path = directory.path() / "ballast";
  Ballast ballast{path};
  long files() const {
    if (!fs::exists(path)) return 0;
    return std::distance(fs::directory_iterator(path), fs::directory_iterator());
  }
};

}  // namespace

TEST_CASE("ballast is put aside where there is plenty, and given back at once") {
  const Place place;
  place.ballast.fill();
  CHECK(place.files() == 8);
  CHECK(fs::file_size(place.path / "0") == 256 << 10);
  CHECK_FALSE(place.ballast.scarce());
  fs::remove(place.path / "3");
  fs::resize_file(place.path / "5", 100);  // its agent died in the midst of it
  place.ballast.fill();
  CHECK(place.files() == 8);
  CHECK(fs::file_size(place.path / "5") == 256 << 10);
  fs::remove(place.path / "3");
  place.ballast.drop();
  CHECK(place.files() == 0);
  place.ballast.drop();
  fs::remove(place.path);
  place.ballast.drop();
  CHECK_FALSE(fs::exists(place.path));
}

TEST_CASE("a file system with little room, or few names, is scarce and gets no ballast") {
  const Place place;
  in_own_mounts([&] {
    {
      const auto little = Mount::tmpfs(place.directory.path(), "1m");
      CHECK(place.ballast.scarce());
      place.ballast.fill();
      CHECK(place.files() == 0);
    }
    {
      const auto few_names = Mount::tmpfs(place.directory.path(), "64m", 20);
      CHECK(place.ballast.scarce());
      place.ballast.fill();
      CHECK(place.files() == 0);
    }
    const auto enough = Mount::tmpfs(place.directory.path(), "64m", 200);
    CHECK_FALSE(place.ballast.scarce());
  });
}

TEST_CASE("names are not counted where the file system doesn't") {
  const Place place;
  in_own_mounts([&] {
    const auto uncounted = Mount::tmpfs(place.directory.path(), "64m");
    CHECK_FALSE(place.ballast.scarce());
    place.ballast.fill();
    CHECK(place.files() == 8);
  });
}

TEST_CASE("without ballast nothing fails; what can't be looked at is scarce") {
  const Place place;
  bool scarce = false;
  const auto look = [&] { scarce = place.ballast.scarce(); };
  CHECK(message_with({SYS_statfs, EIO}, look).empty());
  CHECK(scarce);
  CHECK(message_with({SYS_fallocate, ENOSPC}, [&] { place.ballast.fill(); }).empty());
  CHECK(place.files() == 0);
  place.ballast.fill();
  CHECK(message_with({SYS_openat, EMFILE}, [&] { place.ballast.drop(); }).empty());
  CHECK(place.files() == 0);
}
