// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/state_file_system.hpp"

#include "controller/declined.hpp"

#include <catch2/catch.hpp>
#include <linux/magic.h>
#include <soci/soci.h>

#include "state_fixture.hpp"

namespace kongfleet::controller {

namespace {

using Mode = StateDatabase::Mode;

std::int64_t on_nfs(const std::filesystem::path&) { return NFS_SUPER_MAGIC; }
std::int64_t on_ext4(const std::filesystem::path&) { return EXT4_SUPER_MAGIC; }

}  // namespace

TEST_CASE("file systems that other machines share are known by their numbers") {
  CHECK(shared_file_system(NFS_SUPER_MAGIC) == "NFS");
  CHECK(shared_file_system(SMB_SUPER_MAGIC) == "SMB");
  CHECK(shared_file_system(CIFS_SUPER_MAGIC) == "CIFS");
  CHECK(shared_file_system(SMB2_SUPER_MAGIC) == "SMB");
  CHECK(shared_file_system(V9FS_MAGIC) == "9P");
  for (const std::int64_t local : {EXT4_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC})
    CHECK_FALSE(shared_file_system(local));
  CHECK(file_system_type("/proc/self/not-there") == PROC_SUPER_MAGIC);
  CHECK(file_system_type("/proc/self/stat") == PROC_SUPER_MAGIC);
}

TEST_CASE("a state on NFS is refused before it is made, with what to do") {
  const StateFixture state;
  for (const auto mode : {Mode::Write, Mode::Look}) {
    const bool looks = mode == Mode::Look;
    if (looks) StateDatabase(state.location(), Mode::Write, {.file_system = on_ext4});
    const auto said =
        message_of([&] { StateDatabase(state.location(), mode, {.file_system = on_nfs}); });
    CHECK_THAT(said, Catch::StartsWith("state '" + state.file().string() + "': "));
    CHECK_THAT(said, Catch::Contains("(NFS)") && Catch::Contains("[fleet] state"));
    CHECK(state_exists(state.location()) == looks);
  }
}

TEST_CASE("who waits for a locked state is told by whom, once") {
  const StateFixture state;
  { StateDatabase(state.location(), Mode::Write); }
  StateLocker locker(state);
  std::vector<std::string> told;
  const auto tell = [&](const std::string& text) {
    told.push_back(text);
    CHECK_THAT(text, Catch::Contains("process " + std::to_string(locker.process()) + " ("));
    CHECK_THAT(text, Catch::Contains(state.file().string()) && Catch::Contains("20 s at most"));
    locker.end();
  };
  StateDatabase database(state.location(), Mode::Write, {.tell = tell});
  database.together([](soci::session&) {});
  CHECK(told.size() == 1);
}

TEST_CASE("a state that stays locked is a reason to try later, told in a sentence") {
  const StateFixture state;
  const StateDatabase::Surroundings in_haste{.patience = std::chrono::milliseconds(50)};
  StateDatabase database(state.location(), Mode::Write, in_haste);
  StateLocker locker(state);
  const auto sentence = "state '" + state.file().string() + "' is locked by process " +
                        std::to_string(locker.process()) + " (";
  try {
    database.together([](soci::session&) {});
    FAIL("it was locked");
  } catch (const Declined& declined) {
    CHECK(declined.exit_code() == 75);
    CHECK_THAT(declined.what(), Catch::StartsWith(sentence));
    CHECK_THAT(declined.what(), Catch::EndsWith("; try again when that one is done"));
    CHECK_THAT(declined.what(), !Catch::Contains("SQL"));
  }
}

}  // namespace kongfleet::controller
