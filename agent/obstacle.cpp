// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/obstacle.hpp"

#include "agent/durable_file.hpp"
#include "agent/shell_command.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace kongfleet::agent {

namespace {

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

/// "\040" for a blank, as mountinfo has it.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 3 >= text.size()) {
      plain += text[at];
      continue;
    }
    plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 +
                               (text[at + 3] - '0'));
    at += 3;
  }
  return plain;
}

struct MountedAt {
  std::string point;
  bool writable = false;  // the file system itself, whatever this mount of it is
};

/// Of a line of mountinfo the fifth field is the mount point, and the third behind the dash are the
/// file system's own options.
std::vector<MountedAt> mounted(const fs::path& mounts) {
  std::vector<MountedAt> found;
  std::string text;
  if (!read_file_if_there(mounts, text)) return found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::string point;
    words >> word >> word >> word >> word >> point;
    while (words >> word && word != "-") continue;
    words >> word >> word >> word;
    found.push_back({unescaped(point), word == "rw" || word.starts_with("rw,")});
  }
  return found;
}

bool is_mount_point(const fs::path& path, const fs::path& mounts) {
  const auto all = mounted(mounts);
  return std::any_of(all.begin(), all.end(),
                     [&](const MountedAt& mount) { return mount.point == path.string(); });
}

/// Whether only the mount is read-only, as systemd's ProtectSystem= has it.
bool closed_to_us_only(const fs::path& directory, const fs::path& mounts) {
  MountedAt on;
  for (const auto& mount : mounted(mounts)) {
    const auto below = mount.point == "/" ? mount.point : mount.point + "/";
    const bool holds = (directory.string() + "/").starts_with(below);
    if (holds && mount.point.size() >= on.point.size()) on = mount;  // the last one covers others
  }
  return on.writable;
}

/// Attributes of chattr(1); none where the file system has no such thing.
int attributes(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) throw_errno("open", path);
  int flags = 0;
  return ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) == 0 ? flags : 0;
}

std::string locked(const fs::path& path) {
  const int flags = attributes(path);
  if ((flags & FS_IMMUTABLE_FL) != 0) {
    return quoted(path) + " is immutable; chattr -i " + path.string();
  }
  if ((flags & FS_APPEND_FL) != 0) {
    return quoted(path) + " is append-only; chattr -a " + path.string();
  }
  return {};
}

}  // namespace

std::string obstacle_to_replace(const fs::path& path, const fs::path& mounts) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw_errno("look at", path);
  if (info.st_nlink > 1) {
    return quoted(path) + " has " + std::to_string(info.st_nlink) +
           " hard links; replacing it would cut the others off. Make it a file of its own";
  }
  if (is_mount_point(path, mounts)) {
    return quoted(path) +
           " is a mount point of its own (a bind mount) and can't be replaced as a whole; mount "
           "its "
           "directory instead, or name the file behind it as [kong] conf in agent.toml";
  }
  const auto directory = path.parent_path();
  for (const auto& place : {path, directory}) {
    auto why = locked(place);
    if (!why.empty()) return why;
  }
  struct statvfs file_system {};
  if (::statvfs(directory.c_str(), &file_system) != 0) throw_errno("look at", directory);
  if ((file_system.f_flag & ST_RDONLY) == 0) return {};
  const auto text = "the directory " + quoted(directory) + " is read-only here; ";
  const auto open = way_to_open(directory);
  if (open && closed_to_us_only(directory, mounts)) return text + *open;
  return text +
         "remount it, or, where it is writable for others, open it to the agent with a drop-in for "
         "kongfleet-agent.service and kongfleet-recover.service: ReadWritePaths=" +
         directory.string();
}

}  // namespace kongfleet::agent
