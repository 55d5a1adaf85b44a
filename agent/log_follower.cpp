// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.hpp"
#include "agent/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

namespace kongfleet::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t piece_max = std::uint64_t{4} << 20;
// A log directory holds the log's older versions; a directory with more entries is something else.
constexpr int siblings_max = 4096;

struct FileNow {
  std::uint64_t inode;
  std::uint64_t size;
};

std::optional<FileNow> look_at(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileNow{status.st_ino, static_cast<std::uint64_t>(status.st_size)};
}

/// The file that was the log before, under the name logrotate gave it.
std::optional<fs::path> renamed(const fs::path& path, std::uint64_t inode) {
  std::error_code error;
  int seen = 0;
  for (fs::directory_iterator entry(path.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (++seen > siblings_max) break;
    const auto now = look_at(entry->path());
    if (now && now->inode == inode) return entry->path();
  }
  return std::nullopt;
}

}  // namespace

LogPosition end_of_log(const fs::path& path) {
  const auto now = look_at(path);
  return now ? LogPosition{now->inode, now->size} : LogPosition{};
}

LogFollower::LogFollower(fs::path path, LogPosition from)
    : path_(std::move(path)), position_(from) {}

std::string LogFollower::read_rest(const fs::path& file) {
  const Fd log(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!log || ::fstat(log.get(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < position_.offset) position_.offset = 0;  // truncated in place
  if (size - position_.offset > piece_max) position_.offset = size - piece_max;
  std::string text(static_cast<std::size_t>(size - position_.offset), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const auto count = ::pread(log.get(), text.data() + filled, text.size() - filled,
                               static_cast<off_t>(position_.offset + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  position_.offset += filled;
  return text;
}

std::string LogFollower::more() {
  const auto now = look_at(path_);
  if (!now) return "";
  std::string text;
  if (now->inode != position_.inode) {
    const auto before = position_.inode == 0 ? std::nullopt : renamed(path_, position_.inode);
    if (before) text = read_rest(*before);
    position_ = {now->inode, 0};
  } else if (now->size == position_.offset) {
    return "";
  }
  return text + read_rest(path_);
}

}  // namespace kongfleet::agent
