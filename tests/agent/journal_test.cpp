// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

HostRecord sample() {
  HostRecord record;
  record.committed = 7;
  record.committed_digest = "3fa9";
  record.earlier = {0, 5, 6};
  record.last_number = 9;
  record.last_id = "t-1";
  record.last_end = "rolled-back";
  record.last_cause = "a \"quoted\" cause";
  record.open = OpenRecord{.id = "t-2",
                           .holder = "ops@x",
                           .step = Step::Verify,
                           .to = 9,
                           .to_digest = "aa",
                           .conf = "/etc/kong/kong.conf"};
  record.open->conf_old = "1";
  record.open->since = 1'795'000'000;
  return record;
}

void damage(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << "XXXX";
}

}  // namespace

TEST_CASE("what was written is what a new process reads") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  {
    Journal journal(path);
    CHECK(journal.record() == HostRecord{});
    journal.write(sample());
  }
  CHECK(Journal(path).record() == sample());
  CHECK(read_journal(path) == sample());
  CHECK(read_journal(directory.path() / "absent") == HostRecord{});
}

TEST_CASE("a torn write leaves the record before it") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  auto first = sample();
  auto second = sample();
  second.committed = 8;
  {
    Journal journal(path);
    journal.write(first);   // sequence 2: slot 0
    journal.write(second);  // sequence 3: slot 1
  }
  damage(path, 8192 + 200);
  CHECK(Journal(path).record() == first);
  damage(path, 200);
  CHECK_THROWS_WITH(Journal(path), Catch::Contains("is damaged; nothing was touched"));
}

TEST_CASE("the journal needs no block more than it had at first") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  Journal journal(path);
  const auto size = fs::file_size(path);
  for (int i = 0; i < 20; ++i) journal.write(sample());
  CHECK(fs::file_size(path) == size);
}

TEST_CASE("a journal of another version stops the agent with advice") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  std::ofstream(path) << "kongfleet-journal 2 whatever" << std::string(16'384, '\0');
  CHECK_THROWS_WITH(Journal(path), Catch::Contains("another version of kongfleet-agent"));
}

TEST_CASE("the way back knows the generations confirmed before") {
  HostRecord record;
  record.advance(1, "a");
  record.advance(2, "b");
  record.advance(5, "c");
  CHECK(record.earlier == std::vector<std::uint64_t>{0, 1, 2});
  record.go_back(1, "a");
  CHECK(record.committed == 1);
  CHECK(record.earlier == std::vector<std::uint64_t>{0});
  record.advance(6, "d");
  CHECK(record.earlier == std::vector<std::uint64_t>{0, 1});
}
