// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal.hpp"

#include "agent/durable_file.hpp"
#include "proto/digest.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

using Generations = std::vector<std::uint64_t>;

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

constexpr std::size_t slot_bytes = 8192;
const std::string empty_record = to_text(HostRecord{});

// A slot as the journal writes it, with whatever counts; `sum` empty: the right one.
std::string slot(const std::string& counts, const std::string& text, std::string sum = "") {
  if (sum.empty()) sum = sha256(counts + text).hex();
  auto bytes = "kongfleet-journal 1 " + counts + " " + sum + "\n" + text;
  bytes.resize(slot_bytes, '\0');
  return bytes;
}

std::string counts_of(const std::string& text) { return "5 " + std::to_string(text.size()); }

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

TEST_CASE("what is managed is in the journal, and journals of before say kong.conf") {
  auto record = sample();
  CHECK(to_text(record).find("kind") == std::string::npos);
  CHECK(parse_host_record(to_text(record)).open->kind == ConfigurationKind::KongConf);
  for (const auto kind : {ConfigurationKind::UnitFile, ConfigurationKind::EnvironmentFile}) {
    record.open->kind = kind;
    CHECK(parse_host_record(to_text(record)) == record);
  }
  auto text = to_text(record);
  text.replace(text.find("environment-file"), 16, "registry");
  CHECK_THROWS_WITH(parse_host_record(text), Catch::Contains("no kind of file"));
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
  CHECK(record.earlier == Generations{0, 1, 2});
  record.go_back(1, "a");
  CHECK(record.committed == 1);
  CHECK(record.earlier == Generations{0});
  CHECK(record.left == Generations{2, 5});
  record.advance(6, "d");
  CHECK(record.earlier == Generations{0, 1});
  CHECK(record.left == Generations{2, 5});
  for (const auto number : Generations{0, 1, 2, 5, 6}) CHECK(record.was_confirmed(number));
  for (const auto number : Generations{3, 4, 7}) CHECK_FALSE(record.was_confirmed(number));
}

TEST_CASE("what was left by a rollback may be gone to, and is then the way back no more") {
  HostRecord record;
  for (const auto number : Generations{1, 2, 3}) record.advance(number, "d");
  record.go_back(1, "a");
  record.go_back(3, "c");
  CHECK(record.committed == 3);
  CHECK(record.committed_digest == "c");
  CHECK(record.earlier == Generations{0, 1});
  CHECK(record.left == Generations{2});
  const auto before = record;
  record.go_back(3, "c");  // to itself, where drift is mended
  CHECK(record == before);
  record.go_back(0, "");
  CHECK(record.earlier.empty());
  CHECK(record.left == Generations{2, 1, 3});
}

TEST_CASE("of what was confirmed the ways back stay on disk, then what was left") {
  using Numbers = std::set<std::uint64_t>;
  HostRecord record;
  for (std::uint64_t number = 1; number <= 6; ++number) record.advance(number, "d");
  CHECK(record.kept(5) == Numbers{2, 3, 4, 5, 6});
  record.go_back(3, "d");
  CHECK(record.kept(5) == Numbers{0, 1, 2, 3, 6});
  CHECK(record.kept(0) == Numbers{2, 3});
  CHECK(HostRecord().kept(5) == Numbers{0});
}

TEST_CASE("a slot that is not as the journal writes them is none") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  const auto size = std::to_string(empty_record.size());
  const std::string no_blank = "kongfleet-journal 1 5\n";
  const auto no_line_end = "kongfleet-journal 1 5 0 " + std::string(slot_bytes, 'x');
  for (const auto& bad : {
           std::string(slot_bytes, '\0'),  // never written
           no_line_end.substr(0, slot_bytes),
           no_blank + std::string(slot_bytes - no_blank.size(), '\0'),
           slot("5", empty_record, "-"),            // counts are missing
           slot("5" + size, empty_record, "x"),     // one of them
           slot("x " + size, empty_record),         // no number
           slot("5x " + size, empty_record),        // nor this
           slot("5 -1", empty_record),              // nor this
           slot("5 9000", empty_record),            // longer than the slot
           slot("5 " + size, empty_record, "0000")  // other content
       }) {
    INFO(bad.substr(0, 60));
    replace_file(path, bad + bad, 0600);
    CHECK_THROWS_WITH(Journal(path), Catch::Contains("is damaged; nothing was touched"));
    CHECK_THROWS_WITH(read_journal(path), Catch::Contains("is damaged"));
    const auto good = slot(counts_of(empty_record), empty_record);
    replace_file(path, bad + good, 0600);
    CHECK(Journal(path).record() == HostRecord{});
  }
}

TEST_CASE("a journal that is cut short or grew is damaged, whatever its slots say") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  const auto good = slot(counts_of(empty_record), empty_record);
  for (const auto& bytes : {good, good + good.substr(1), good + good + "x"}) {
    replace_file(path, bytes, 0600);
    CHECK_THROWS_WITH(Journal(path), Catch::Contains("is damaged; nothing was touched"));
  }
}

TEST_CASE("a record that this agent does not understand stops it") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  for (const std::string& text : {std::string("no JSON"), std::string("{}"), std::string("[]")}) {
    const auto bytes = slot(counts_of(text), text);
    replace_file(path, bytes + bytes, 0600);
    CHECK_THROWS_WITH(Journal(path), Catch::StartsWith("journal: its record can't be read: "));
  }
  auto text = to_text(sample());
  text.replace(text.find("\"verify\""), 8, "\"dance\"");
  CHECK_THROWS_WITH(parse_host_record(text), Catch::Contains("no step is called 'dance'"));
}

TEST_CASE("a journal that can't be opened for writing is named") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  { const Journal created(path); }
  const auto problem = message_with({.number = SYS_openat, .error = EROFS, .nth = 2},
                                    [&] { const Journal journal(path); });
  CHECK(problem == "open '" + path.string() + "': Read-only file system");
}

TEST_CASE("a record that could not be written is not believed, and the next one can be") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  Journal journal(path);
  journal.write(sample());
  auto second = sample();
  second.committed = 8;
  const auto write = [&] { journal.write(second); };
  const auto unchanged = [&] { return journal.record() == sample(); };
  const auto file = " '" + path.string() + "': ";
  CHECK(message_with({SYS_pwrite64, EIO}, write) == "write" + file + "Input/output error");
  CHECK(unchanged());
  // The descriptor of an error is not used again: what the kernel failed to write it may have
  // dropped.
  CHECK(message_with({SYS_openat, EMFILE}, write) == "open" + file + "Too many open files");
  CHECK(message_with({SYS_fdatasync, EIO}, write) == "sync" + file + "Input/output error");
  CHECK(unchanged());
  CHECK(message_with({SYS_pwrite64, EINTR}, write).empty());
  CHECK(journal.record() == second);
  CHECK(Journal(path).record() == second);
}

TEST_CASE("a record that does not fit its slot is refused, and the one before it stays") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  Journal journal(path);
  journal.write(sample());
  auto long_one = sample();
  long_one.open->conf = "/" + std::string(slot_bytes, 'x');
  CHECK_THROWS_WITH(journal.write(long_one), "journal: the record is too long");
  CHECK(Journal(path).record() == sample());
}

TEST_CASE("the way back knows the last generations only: a record has its limits") {
  HostRecord record;
  for (std::uint64_t number = 1; number <= 100; ++number) record.advance(number, "d");
  CHECK(record.earlier.size() == 64);
  CHECK(record.earlier.front() == 36);
  CHECK(record.earlier.back() == 99);
  record.go_back(0, "");  // it fell out, and is a way back all the same
  CHECK(record.committed == 0);
  CHECK(record.earlier.empty());
  CHECK(record.left.size() == 16);
  CHECK(record.left.back() == 100);
}

TEST_CASE("a journal that a death left half made is made anew") {
  const TempDir directory;
  const auto path = directory.path() / "journal";
  const fs::path half_made = path.string() + ".new";
  std::ofstream(half_made) << "half";
  CHECK(message_with({SYS_unlink, EROFS}, [&] { const Journal journal(path); }) ==
        "remove '" + half_made.string() + "': Read-only file system");
  CHECK(Journal(path).record() == HostRecord{});
  CHECK_FALSE(fs::exists(half_made));
}

TEST_CASE("a journal that can't be made to last says so") {
  const TempDir directory;
  const Journal journal(directory.path() / "journal");
  const auto sync = [&] { journal.sync(); };
  CHECK(message_with({SYS_fsync, EIO}, sync) ==
        "sync '" + (directory.path() / "journal").string() + "': Input/output error");
  CHECK(message_with({.number = SYS_fsync, .error = EIO, .nth = 2}, sync) ==
        "sync '" + directory.path().string() + "': Input/output error");
}
