// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// power-loss-filesystems: what the model of power-loss-states assumes of a disk, asked of real file
// systems. A host lives (host_run.hpp) on ext4, xfs and btrfs; before and after each sync, rename
// and exit of its agent the disk is copied as it is, which is what is left of it if the power goes
// then. Each copy is mounted, the real agent recovers the host on it, and the host is judged. All
// of it once more with an agent whose syncs do nothing: then there must be bad ones. One again:
//
//   power-loss-filesystems FILE-SYSTEM KEPT MARKS
#include "proto/error.hpp"
#include "tests/crash/lane.hpp"
#include "tests/crash/proof_entry.hpp"
#include "tests/power/file_system.hpp"
#include "tests/power/files.hpp"
#include "tests/power/host_run.hpp"
#include "tests/power/image_series.hpp"
#include "tests/power/power_return.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

namespace kongfleet::power {

namespace {

namespace fs = std::filesystem;

constexpr unsigned lanes = 3;
constexpr unsigned lane_limit = 600;  // seconds for one file system

fs::path mount_point() { return crash::lane_directory() / "disk"; }

/// Which syncs of the agent reach the file system.
enum class Syncs { All, None };

/// One file system's part of the proof, in a lane of its own.
class Part {
public:
  Part(const FileSystem& kind, Syncs syncs)
      : kind_(kind), syncs_(syncs), series_(image(), copies()) {
    fs::create_directory(mount_point());
  }

  /// "COUNT BAD\n", and what is to be told of the first bad ones.
  std::string run();
  /// One that was kept: what is wrong with it.
  std::string again(const Recording& recording, const fs::path& kept, std::size_t marks) const {
    return recover({kept, "", marks}, PowerReturn(recording));
  }

private:
  static fs::path image() { return crash::lane_directory() / "image"; }
  static fs::path copies() {
    const auto directory = crash::lane_directory() / "copies";
    fs::create_directory(directory);
    return directory;
  }
  Recording live();
  std::string recover(const ImageSeries::Copy& copy, const PowerReturn& recovery) const;
  std::string keep(const Recording& recording, const ImageSeries::Copy& copy) const;

  FileSystem kind_;
  Syncs syncs_;
  ImageSeries series_;
};

Recording Part::live() {
  make_file_system(kind_, image());
  MountedImage disk(kind_, image(), mount_point());
  RecordedHost::Options options;
  options.look = [this](const SystemCall& call, std::size_t marks) { series_.look(call, marks); };
  if (syncs_ == Syncs::None) options.swallowed = {SYS_fsync, SYS_fdatasync};
  const crash::CrashHost host(mount_point() / "host");
  auto recording = record_host(host, crash::deep() ? Life::Whole : Life::Core, std::move(options));
  disk.unmount();
  return recording;
}

std::string Part::recover(const ImageSeries::Copy& copy, const PowerReturn& recovery) const {
  MountedImage disk(kind_, copy.file, mount_point());
  auto complaint = recovery.why_bad({copy.marks}, Room::Enough);
  disk.unmount();
  return complaint;
}

// Keeps what is needed to see one again, and says how.
std::string Part::keep(const Recording& recording, const ImageSeries::Copy& copy) const {
  auto place = (build_directory() / ("power-loss-" + kind_.name + "-XXXXXX")).string();
  if (::mkdtemp(place.data()) == nullptr) throw_errno("make a directory", place);
  copy_image(copy.file, fs::path(place) / "image");
  recording.save(fs::path(place) / "recording");
  return "\n  again with: " + (build_directory() / "power-loss-filesystems").string() + " " +
         kind_.name + " " + place + " " + std::to_string(copy.marks);
}

std::string Part::run() {
  constexpr std::size_t told_most = 3;
  const auto recording = live();
  const PowerReturn recovery(recording);
  std::size_t bad = 0;
  std::string told;
  for (const auto& copy : series_.copies()) {
    const auto complaint = recover(copy, recovery);
    if (!complaint.empty() && ++bad <= told_most && syncs_ == Syncs::All) {
      told += kind_.name + ", " + copy.moment + ": " + complaint + keep(recording, copy) + "\n";
    }
    fs::remove(copy.file);
    if (bad > 0 && syncs_ == Syncs::None) break;  // that is all it was to show
  }
  return std::to_string(series_.copies().size()) + " " + std::to_string(bad) + "\n" + told;
}

struct Told {
  std::size_t count = 0;
  std::size_t bad = 0;
  std::string text;
};

// One with all syncs, then one without, for each file system.
std::vector<Told> run_parts() {
  const auto& kinds = file_systems();
  const auto texts = crash::in_lanes({2 * kinds.size(), lanes, lane_limit}, [&]() -> crash::Job {
    return [&](std::size_t number) {
      return Part(kinds[number / 2], number % 2 == 0 ? Syncs::All : Syncs::None).run();
    };
  });
  std::vector<Told> all;
  for (const auto& text : texts) {
    std::istringstream words(text);
    Told told;
    if (!(words >> told.count >> told.bad) || told.count == 0) throw Error(text);
    told.text = text.substr(text.find('\n') + 1);
    all.push_back(std::move(told));
  }
  return all;
}

int run() {
  crash::ProofEntry proof("power-loss-filesystems", "P1 P4");
  const auto told = run_parts();
  for (std::size_t number = 0; number < file_systems().size(); ++number) {
    const auto& name = file_systems()[number].name;
    const auto& good = told[2 * number];
    const auto& careless = told[2 * number + 1];
    std::cout << name << ": " << good.count << " disks, " << good.bad << " bad\n";
    std::cerr << good.text;
    proof.count += good.count;
    proof.bad += good.bad;
    if (careless.bad > 0) continue;
    std::cerr << name << ": no disk shows that the agent's syncs were missing\n";
    ++proof.bad;
  }
  proof.write();
  return proof.bad == 0 ? 0 : 1;
}

int again(const std::string& kind, const fs::path& kept, std::size_t marks) {
  const auto recording = Recording::load(kept / "recording");
  const auto told = crash::in_lanes({1, 1, lane_limit}, [&]() -> crash::Job {
    return [&](std::size_t) {
      for (const auto& known : file_systems()) {
        if (known.name == kind)
          return Part(known, Syncs::All).again(recording, kept / "image", marks);
      }
      throw Error("'" + kind + "' is none of the file systems");
    };
  });
  std::cout << (told.front().empty() ? "it is good" : told.front()) << '\n';
  return told.front().empty() ? 0 : 1;
}

}  // namespace

}  // namespace kongfleet::power

int main(int argc, char** argv) {
  using namespace kongfleet::power;
  try {
    if (argc == 1) return run();
    if (argc == 4) return again(argv[1], argv[2], std::strtoul(argv[3], nullptr, 10));
    throw kongfleet::Error("usage: power-loss-filesystems [FILE-SYSTEM KEPT MARKS]");
  } catch (const std::exception& error) {
    std::cerr << "power-loss-filesystems: " << error.what() << '\n';
    return 1;
  }
}
