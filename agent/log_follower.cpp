// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.hpp"
#include "agent/followed_path.hpp"
#include "proto/error.hpp"

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

Fd open_log(const fs::path& path) {
  try {
    return followed_file(path);
  } catch (const Error&) {
    return Fd();
  }
}

}  // namespace

std::string refusal_of_log(const fs::path& path) {
  try {
    (void)followed_file(path);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

LogPosition end_of_log(const fs::path& path) {
  const auto now = look_at(path);
  return now ? LogPosition{now->inode, now->size} : LogPosition{};
}

LogFollower::LogFollower(fs::path path, LogPosition from) : current_{std::move(path), from} {}

/// What is new in a file that still is the one it was; else nothing, as when it can't be read.
std::optional<std::string> LogFollower::read_on(File& file) const {
  const auto log = open_log(file.path);
  struct stat status {};
  if (!log || ::fstat(log.get(), &status) != 0) return std::nullopt;
  if (status.st_ino != file.at.inode) return std::nullopt;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < file.at.offset) file.at.offset = 0;  // truncated in place
  const bool skips = size - file.at.offset > piece_max;
  if (skips) file.at.offset = size - piece_max;
  std::string text(static_cast<std::size_t>(size - file.at.offset), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const auto count = ::pread(log.get(), text.data() + filled, text.size() - filled,
                               static_cast<off_t>(file.at.offset + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  file.at.offset += filled;
  // The end of a line whose beginning is skipped would not show what it belongs to.
  if (skips) text.erase(0, text.find('\n'));
  return text;
}

std::optional<std::string> LogFollower::more() {
  const auto now = look_at(current_.path);
  const bool gone = current_.at.inode != 0 && (!now || now->inode != current_.at.inode);
  if (gone) {
    const auto name = renamed(current_.path, current_.at.inode);
    if (name) older_ = File{*name, current_.at};
  }
  if (gone || current_.at.inode == 0) current_.at = {now ? now->inode : 0, 0};
  std::optional<std::string> text;
  if (older_) text = read_on(*older_);
  if (!text) older_.reset();  // removed, or renamed once more
  if (const auto piece = now ? read_on(current_) : std::nullopt) text = text.value_or("") + *piece;
  return text;
}

}  // namespace kongfleet::agent
