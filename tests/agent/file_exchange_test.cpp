// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_exchange.hpp"

#include "agent/durable_file.hpp"
#include "agent/followed_path.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

struct Pair {
  TempDir directory;
  fs::path live = directory.path() / "live";
  fs::path other = directory.path() / "other";
  fs::path second = directory.path() / "other.swap";
  Directory here() const { return followed_directory(directory.path()); }
  Pair() {
    std::ofstream(live) << "one";
    std::ofstream(other) << "two";
  }
};

}  // namespace

TEST_CASE("two files get each other's name") {
  const Pair pair;
  exchange_files(pair.here(), pair.other, pair.live);
  CHECK(read_file(pair.live) == "two");
  CHECK(read_file(pair.other) == "one");
  CHECK_FALSE(finish_exchange(pair.here(), pair.other, pair.live));
  CHECK_THROWS_WITH(exchange_files(pair.here(), pair.second, pair.live),
                    Catch::Contains("exchange with"));
}

TEST_CASE("a death before the live file was replaced leaves it as it was") {
  const Pair pair;
  fs::create_hard_link(pair.live, pair.second);
  CHECK(finish_exchange(pair.here(), pair.other, pair.live));
  CHECK(read_file(pair.live) == "one");
  CHECK(read_file(pair.other) == "two");
  CHECK_FALSE(fs::exists(pair.second));
}

TEST_CASE("a death after the live file was replaced leaves the exchange done") {
  const Pair pair;
  fs::create_hard_link(pair.live, pair.second);
  fs::rename(pair.other, pair.live);
  CHECK(finish_exchange(pair.here(), pair.other, pair.live));
  CHECK(read_file(pair.live) == "two");
  CHECK(read_file(pair.other) == "one");
  CHECK_FALSE(fs::exists(pair.second));
}

TEST_CASE("where no kernel or file system exchanges at once, three steps do") {
  for (const int error : {ENOSYS, EINVAL}) {
    const Pair pair;
    const auto exchange = [&] { exchange_files(pair.here(), pair.other, pair.live); };
    CHECK(message_with({SYS_renameat2, error}, exchange).empty());
    CHECK(read_file(pair.live) == "two");
    CHECK(read_file(pair.other) == "one");
    CHECK_FALSE(fs::exists(pair.second));
  }
}

TEST_CASE("an exchange that fails is named, and the live file is whole") {
  const Pair pair;
  const auto exchange = [&] { exchange_files(pair.here(), pair.other, pair.live); };
  const SystemCall not_here{.number = SYS_renameat2, .error = ENOSYS};
  CHECK(message_with({not_here, {SYS_linkat, EPERM}}, exchange) ==
        "give a second name to '" + pair.live.string() + "': Operation not permitted");
  CHECK(read_file(pair.live) == "one");
  fs::create_hard_link(pair.live, pair.second);
  const auto here = pair.here();
  const auto finish = [&] { finish_exchange(here, pair.other, pair.live); };
  CHECK(message_with({SYS_newfstatat, EIO}, finish) ==
        "look at '" + pair.second.string() + "': Input/output error");
  CHECK(message_with({SYS_newfstatat, EIO, 2}, finish) ==
        "look at '" + pair.live.string() + "': Input/output error");
  CHECK(message_with({SYS_unlinkat, EROFS}, finish) ==
        "remove '" + pair.second.string() + "': Read-only file system");
  CHECK(read_file(pair.live) == "one");
  fs::remove(pair.live);
  CHECK_THROWS_WITH(finish(), "'" + pair.live.string() + "' is not there");
}
