// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/power_loss.hpp"

#include "tests/power/files.hpp"
#include "tests/power/recorder.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet::power;

namespace fs = std::filesystem;

namespace {

const std::string before(700, 'o');
const std::string after(700, 'n');

/// A file that a program replaces, traced.
struct Replacement {
  Replacement() {
    fs::create_directory(file.parent_path());
    put_file(file, before);
  }

  Recording record(const std::string& forgets) {
    Recorder recorder(disk, {});
    TracedProgram program({CARELESS_WRITER, forgets, file.string(), after}, {"/dev/null", {}, {}},
                          [&](const SystemCall& call) { recorder.see(call); });
    REQUIRE(program.wait() == 0);
    recorder.mark("done");
    return recorder.take();
  }

  ScratchDirectory scratch{"power-test"};
  Disk disk{scratch.path(), {"disk"}, {}};
  fs::path file = scratch.path() / "disk/file";
};

/// In how many ways the file may be found neither old nor new, or not new although the program had
/// ended.
int count_bad(const Recording& recording, const std::set<std::string>& missing = {}) {
  std::mt19937_64 random(1);
  int bad = 0;
  Timeline timeline(recording, missing);
  do {
    const bool done = timeline.now().events == recording.events.size();
    for (const auto& loss : losses_at(recording, timeline.now(), {.random_subsets = 10}, random)) {
      const auto found = loss.state(recording, timeline.now());
      const auto text = found.content("disk/file");
      if (text != after && (done || text != before)) ++bad;
    }
  } while (timeline.advance());
  return bad;
}

std::set<std::string> sites(const Recording& recording) {
  std::set<std::string> found;
  for (const auto& event : recording.events) {
    if (const auto* sync = std::get_if<DiskSync>(&event)) found.insert(sync->site);
  }
  return found;
}

}  // namespace

TEST_CASE("a program that syncs file and directory loses nothing with the power") {
  CHECK(count_bad(Replacement().record("nothing")) == 0);
}

TEST_CASE("a sync of the file that is missing is found") {
  CHECK(count_bad(Replacement().record("file")) > 0);
}

TEST_CASE("a sync of the directory that is missing is found") {
  CHECK(count_bad(Replacement().record("directory")) > 0);
}

TEST_CASE("each sync of a careful program is missed when it is taken away") {
  const auto recording = Replacement().record("nothing");
  const auto all = sites(recording);
  REQUIRE(all.size() == 2);
  for (const auto& site : all) CHECK_THAT(site, Catch::Contains(" careless_writer.cpp:"));
  for (const auto& site : all) CHECK(count_bad(recording, {site}) > 0);
}

TEST_CASE("a change that was not recorded does not stay unseen") {
  Replacement replacement;
  Recorder recorder(replacement.disk, {});
  put_file(replacement.file, "behind our back");
  CHECK_THROWS_WITH(recorder.take(), Catch::Contains("but the record says"));
}

TEST_CASE("a recording and a loss of power can be written down and read again") {
  Replacement replacement;
  const auto recording = replacement.record("directory");
  recording.save(replacement.scratch.path() / "recording");
  const auto again = Recording::load(replacement.scratch.path() / "recording");
  CHECK(again.events.size() == recording.events.size());
  CHECK(count_bad(again) == count_bad(recording));
  for (const std::string text : {"12:", "3:0110", "7:01:1/0-512"}) {
    CHECK(PowerLoss::parse(text).text() == text);
  }
  CHECK_THROWS(PowerLoss::parse("12"));
  CHECK_THROWS(PowerLoss::parse("12:01:1"));
}

TEST_CASE("a loss of power may leave part of a write, and a file without its content") {
  const auto recording = Replacement().record("file");
  Timeline timeline(recording);
  while (timeline.advance()) continue;
  std::mt19937_64 random(1);
  std::set<std::string> seen;
  for (const auto& loss : losses_at(recording, timeline.now(), {}, random)) {
    seen.insert(std::string(loss.state(recording, timeline.now()).content("disk/file")));
  }
  CHECK(seen.contains(""));
  CHECK(seen.contains(after.substr(0, 512)));
  CHECK(seen.contains(std::string(after.size(), '\0')));
}

TEST_CASE("a directory whose name does not last yet keeps what was synced in it") {
  Recording recording;
  const auto make = [&](Inode directory, const std::string& name, bool is_directory) {
    DiskChange change{.kind = DiskChange::Kind::Make};
    change.inode = recording.before.add(is_directory, 0755, 0, 0);
    change.directory = directory;
    change.name = name;
    recording.events.emplace_back(change);
    return change.inode;
  };
  const auto outer = make(disk_root, "outer", true);
  const auto inner = make(outer, "inner", true);
  recording.events.emplace_back(DiskSync{outer, false, "of the outer one"});
  make(inner, "file", false);
  recording.events.emplace_back(DiskSync{inner, false, "of the inner one"});
  std::set<std::string> seen;
  std::mt19937_64 random(1);
  Timeline timeline(recording);
  while (timeline.advance()) continue;
  for (const auto& loss : losses_at(recording, timeline.now(), {}, random)) {
    seen.insert(loss.state(recording, timeline.now()).listing());
  }
  CHECK(seen == std::set<std::string>{
                    "0755 ./\n",
                    "0755 ./\n0755 ./outer/\n0755 ./outer/inner/\n0755 ./outer/inner/file 0\n"});
}
