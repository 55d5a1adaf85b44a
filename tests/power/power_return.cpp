// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/power_return.hpp"

#include "proto/error.hpp"
#include "tests/crash/agent.hpp"
#include "tests/crash/lane.hpp"
#include "tests/power/files.hpp"

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <sstream>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

constexpr auto recovery_limit = std::chrono::seconds(60);

/// What the agent says goes here: to a file system of its own, for the host's may be full.
fs::path log_directory() { return crash::lane_directory() / "said"; }
fs::path log_file() { return log_directory() / "log"; }

void mount_memory(const fs::path& place, unsigned long flags, const std::string& options) {
  if (::mount("none", place.c_str(), "tmpfs", flags, options.c_str()) != 0) {
    throw_errno("mount", place);
  }
}

// "transaction t7: rolled-back: …": whoever recovered the host was told how that one ended.
void hear_recovery(const std::string& said, Expectation& expected) {
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    std::string transaction;
    std::string result;
    if (!(words >> first >> transaction >> result) || first != "transaction") continue;
    transaction.pop_back();
    result.pop_back();
    expected.ended[transaction] = result;
  }
}

/// Takes every free block and every free inode from the lane's file system while it lives.
class FullDisk {
public:
  FullDisk() {
    struct statvfs info {};
    if (::statvfs(crash::lane_directory().c_str(), &info) != 0) throw_errno("look for free space");
    limit("size=" + std::to_string((info.f_blocks - info.f_bfree) * info.f_frsize) +
          ",nr_inodes=" + std::to_string(info.f_files - info.f_ffree));
  }
  ~FullDisk() { limit("size=50%,nr_inodes=0"); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

private:
  static void limit(const std::string& options) {
    mount_memory(crash::lane_directory(), MS_REMOUNT, options);
  }
};

}  // namespace

PowerReturn::PowerReturn(const Recording& recording)
    : host_(recording.disk.root), texts_(recording), expectations_(1) {
  for (const auto& event : recording.events) {
    const auto* mark = std::get_if<Mark>(&event);
    if (mark == nullptr) continue;
    expectations_.push_back(expectations_.back());
    expectations_.back().hear(*mark);
  }
  fs::create_directory(log_directory());
  mount_memory(log_directory(), 0, "");
}

bool PowerReturn::edited(const std::set<std::size_t>& marks) const {
  return std::any_of(marks.begin(), marks.end(),
                     [&](std::size_t known) { return !expectations_.at(known).lines.empty(); });
}

std::string PowerReturn::said() const { return content_of(log_file()); }

std::string PowerReturn::why_bad(const std::set<std::size_t>& marks, Room room) const {
  // With an empty one the agent would take its defaults: this machine's own directories.
  if (content_of(host_.config()).empty()) throw Error("agent.toml did not last");
  fs::remove(log_file());
  int status = 0;
  {
    std::optional<FullDisk> full;
    if (room == Room::None) full.emplace();
    crash::Child child({crash::agent_command(host_, "recover"), log_file()});
    status = child.wait(crash::Clock::now() + recovery_limit).value_or(SIGALRM);
  }
  const std::string where = room == Room::None ? "on a full disk: " : "";
  if (status != 0) {
    return where + "'kongfleet-agent recover': " + crash::ending_of(status) + ": " + said();
  }
  for (const auto known : marks) {
    auto expected = expectations_.at(known);
    // On a full disk a line of history may be lost that nobody outside has heard of.
    if (room == Room::Enough) hear_recovery(said(), expected);
    const auto complaint = power::why_bad(host_, texts_, expected);
    if (!complaint.empty()) return where + complaint;
  }
  return {};
}

}  // namespace kongfleet::power
