// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/durable_file.hpp"

#include "controller/ssh_fd.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

namespace kongfleet::controller {

namespace {

namespace fs = std::filesystem;

constexpr mode_t new_file_mode = 0644;

/// Removes a file again unless it was kept.
class Unfinished {
public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  void keep() { path_.clear(); }

private:
  fs::path path_;
};

void write_and_sync(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno("write", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) throw_errno("fsync", path);
}

void sync_directory_of(const fs::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const SshFd fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) throw_errno("fsync directory", parent);
}

SshFd create_exclusive(const fs::path& path) {
  SshFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, new_file_mode));
  if (!fd) throw_errno("create", path);
  return fd;
}

}  // namespace

void replace_file(const fs::path& path, std::string_view content, Readers readers) {
  // By process id: two that write the same file at once must not write into each other's.
  const fs::path temporary = path.string() + ".new-" + std::to_string(::getpid());
  const auto fd = create_exclusive(temporary);
  Unfinished unfinished(temporary);
  if (readers == Readers::All && ::fchmod(fd.get(), new_file_mode) != 0)
    throw_errno("chmod", temporary);
  write_and_sync(fd.get(), content, temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw_errno("rename to", path);
  unfinished.keep();
  sync_directory_of(path);
}

void create_file(const fs::path& path, std::string_view content) {
  const auto fd = create_exclusive(path);
  Unfinished unfinished(path);
  write_and_sync(fd.get(), content, path);
  unfinished.keep();
  sync_directory_of(path);
}

}  // namespace kongfleet::controller
