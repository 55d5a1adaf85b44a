// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/file_system.hpp"

#include "proto/error.hpp"
#include "tests/crash/child.hpp"
#include "tests/power/files.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

constexpr auto release_limit = std::chrono::seconds(10);

}  // namespace

const std::vector<FileSystem>& file_systems() {
  static const std::vector<FileSystem> all = {
      {"ext4", "64M", {"-F"}}, {"xfs", "300M", {"-f"}}, {"btrfs", "128M", {"-f"}}};
  return all;
}

void make_file_system(const FileSystem& kind, const fs::path& image) {
  crash::run({"/usr/bin/truncate", "--size=" + kind.size, image});
  std::vector<std::string> command = {"/sbin/mkfs." + kind.name, "-q"};
  command.insert(command.end(), kind.options.begin(), kind.options.end());
  command.push_back(image);
  crash::run(command);
}

MountedImage::MountedImage(const FileSystem& kind, const fs::path& image, fs::path place)
    : place_(std::move(place)) {
  crash::run({"/bin/mount", "-t", kind.name, "-o", "loop", image, place_});
}

MountedImage::~MountedImage() {
  if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
}

void MountedImage::unmount() {
  // Programs that were killed may be about to let go of it.
  int failed = 0;
  const auto over = [&] {
    failed = ::umount2(place_.c_str(), 0) == 0 ? 0 : errno;
    return failed != EBUSY;
  };
  crash::comes_true(over, crash::Clock::now() + release_limit);
  errno = failed;
  if (failed != 0) throw_errno("unmount", place_);
  mounted_ = false;
}

std::size_t copy_image(const fs::path& from, const fs::path& to) {
  constexpr std::size_t piece = std::size_t{64} << 10;
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (source.raw < 0) throw_errno("open", from);
  if (target.raw < 0) throw_errno("create", to);
  struct stat info {};
  if (::fstat(source.raw, &info) != 0) throw_errno("look at", from);
  if (::ftruncate(target.raw, info.st_size) != 0) throw_errno("make room for", to);
  std::string buffer(piece, '\0');
  std::size_t hash = 0;
  for (auto at = ::lseek(source.raw, 0, SEEK_DATA); at >= 0;
       at = ::lseek(source.raw, at, SEEK_DATA)) {
    const auto got =
        ::pread(source.raw, buffer.data(), piece - static_cast<std::size_t>(at) % piece, at);
    if (got <= 0) throw_errno("read", from);
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.find_first_not_of('\0') != std::string_view::npos) {
      if (::pwrite(target.raw, bytes.data(), bytes.size(), at) != got) throw_errno("write", to);
      hash = hash * 31 + std::hash<std::string_view>{}(bytes) + static_cast<std::size_t>(at);
    }
    at += got;
  }
  if (errno != ENXIO) throw_errno("read", from);  // ENXIO: there is no more
  return hash;
}

}  // namespace kongfleet::power
