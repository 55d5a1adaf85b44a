// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/directory.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace kongfleet::agent {

std::vector<std::string> Directory::names() const {
  const int opened = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) throw_errno("open", path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(opened), ::closedir);
  if (!entries) {
    ::close(opened);
    throw_errno("read", path_);
  }
  std::vector<std::string> result;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") result.push_back(name);
  }
  return result;
}

Fd Directory::find(const fs::path& file) const {
  Fd found(::openat(fd_.get(), file.filename().c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
  if (!found && errno != ENOENT) throw_errno("find", file);
  return found;
}

Fd Directory::open(const fs::path& file) const {
  Fd opened(
      ::openat(fd_.get(), file.filename().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!opened && errno != ENOENT) throw_errno("open", file);
  return opened;
}

Fd Directory::create(const fs::path& file, unsigned mode) const {
  return create_file(fd_.get(), file.filename(), mode, file);
}

std::optional<struct stat> Directory::look(const fs::path& file) const {
  struct stat info {};
  if (::fstatat(fd_.get(), file.filename().c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return info;
  if (errno == ENOENT) return std::nullopt;
  throw_errno("look at", file);
}

bool Directory::remove(const fs::path& file) const {
  if (::unlinkat(fd_.get(), file.filename().c_str(), 0) == 0) return true;
  if (errno != ENOENT) throw_errno("remove", file);
  return false;
}

void Directory::rename(const fs::path& from, const fs::path& to) const {
  if (::renameat(fd_.get(), from.filename().c_str(), fd_.get(), to.filename().c_str()) != 0)
    throw_errno("rename '" + from.string() + "' to", to);
}

void Directory::link(const fs::path& file, const fs::path& second) const {
  if (::linkat(fd_.get(), file.filename().c_str(), fd_.get(), second.filename().c_str(), 0) != 0)
    throw_errno("give a second name to", file);
}

// By number: glibc has the function since 2.28 only.
bool Directory::exchange(const fs::path& a, const fs::path& b) const {
  if (::syscall(SYS_renameat2, fd_.get(), a.filename().c_str(), fd_.get(), b.filename().c_str(),
                RENAME_EXCHANGE) == 0) {
    return true;
  }
  if (errno == ENOSYS || errno == EINVAL) return false;
  throw_errno("exchange with '" + a.string() + "' the file", b);
}

void Directory::sync() const {
  const Fd opened(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) throw_errno("open", path_);
  sync_file(opened, path_);
}

}  // namespace kongfleet::agent
