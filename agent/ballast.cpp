// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ballast.hpp"

#include "agent/durable_file.hpp"
#include "agent/log.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace kongfleet::agent {

namespace {

// Kong's prefix has a dozen files of 200 KB in all; each file of the ballast is also one inode.
constexpr unsigned files_kept = 8;
constexpr std::uint64_t file_bytes = std::uint64_t{256} << 10;
constexpr std::uint64_t scarce_bytes = std::uint64_t{4} << 20;
constexpr std::uint64_t scarce_names = 32;
constexpr std::uint64_t plenty = 8;  // times the ballast has to be free before it is put aside

struct Free {
  std::uint64_t bytes;
  std::uint64_t names;
};

Free free_at(const fs::path& place) {
  struct statvfs info {};
  if (::statvfs(place.c_str(), &info) != 0) throw_errno("look for free space at", place);
  const bool counted = info.f_files > 0;  // btrfs makes them as they are needed
  // Not f_bfree: btrfs counts there what only its own metadata may use.
  return {std::uint64_t{info.f_bavail} * info.f_frsize, counted ? info.f_ffree : UINT64_MAX};
}

fs::path file_of(const fs::path& directory, unsigned number) {
  return directory / std::to_string(number);
}

void put_aside(const fs::path& path) {
  const auto file = create_file(path, 0600);
  const int failed = ::posix_fallocate(file.get(), 0, file_bytes);
  if (failed == 0) return;
  ::unlink(path.c_str());
  errno = failed;
  throw_errno("put space aside in", path);
}

}  // namespace

Ballast::Ballast(fs::path directory) : directory_(std::move(directory)) {}

void Ballast::fill() const noexcept {
  try {
    for (unsigned number = 0; number < files_kept; ++number) {
      const auto path = file_of(directory_, number);
      if (fs::exists(path) && fs::file_size(path) == file_bytes) continue;
      fs::remove(path);  // its agent died before it had all of it
      const auto free = free_at(directory_.parent_path());
      if (free.bytes < plenty * files_kept * file_bytes || free.names < plenty * files_kept) return;
      fs::create_directories(directory_);
      put_aside(path);
    }
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; there is no ballast for a full disk now");
  }
}

bool Ballast::scarce() const noexcept {
  try {
    const auto free = free_at(directory_.parent_path());
    return free.bytes < scarce_bytes || free.names < scarce_names;
  } catch (const std::exception&) {
    return true;
  }
}

void Ballast::drop() const noexcept {
  bool dropped = false;
  for (unsigned number = 0; number < files_kept; ++number) {
    dropped = ::unlink(file_of(directory_, number).c_str()) == 0 || dropped;
  }
  if (!dropped) return;
  log_warning("the disk is full: the ballast in '" + directory_.string() + "' was dropped");
  // btrfs gives space back with its next commit only.
  const Fd place(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (place) ::syncfs(place.get());
}

}  // namespace kongfleet::agent
