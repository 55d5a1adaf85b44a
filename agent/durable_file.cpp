// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/durable_file.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace kongfleet::agent {

std::string read_file(const Fd& file, const fs::path& path, std::size_t limit) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_errno("look at", path);
  if (!S_ISREG(info.st_mode)) throw Error("read '" + path.string() + "': it is not a regular file");
  std::string content;
  char buffer[65536];
  while (true) {
    const auto got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > limit) {
      throw Error("read '" + path.string() + "': larger than " + std::to_string(limit) + " bytes");
    }
  }
}

std::string read_file(const fs::path& path, std::size_t limit) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) throw_errno("open", path);
  return read_file(file, path, limit);
}

bool read_file_if_there(const fs::path& path, std::string& content) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return false;
  if (!file) throw_errno("open", path);
  content = read_file(file, path);
  return true;
}

Fd create_file(const fs::path& path, unsigned mode) {
  return create_file(AT_FDCWD, path, mode, path);
}

Fd create_file(int directory, const fs::path& name, unsigned mode, const fs::path& path) {
  Fd file(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   mode));
  if (!file) throw_errno("create", path);
  if (::fchmod(file.get(), mode) != 0) throw_errno("set the mode of", path);  // whatever the umask
  return file;
}

void write_all(const Fd& file, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const auto wrote = ::write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw_errno("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

void sync_file(const Fd& file, const fs::path& path) {
  if (::fsync(file.get()) != 0) throw_errno("sync", path);
}

void sync_directory(const fs::path& directory) {
  const Fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) throw_errno("open", directory);
  sync_file(opened, directory);
}

void rename_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw_errno("rename '" + from.string() + "' to", to);
  }
}

void replace_file(const fs::path& path, std::string_view content, unsigned mode) {
  const fs::path temporary =
      path.string() + ".new";  // same directory: a rename must not cross a device
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) throw_errno("remove", temporary);
  const auto file = create_file(temporary, mode);
  write_all(file, content, temporary);
  sync_file(file, temporary);
  rename_file(temporary, path);
  sync_directory(path.parent_path());
}

void append_line(const fs::path& path, std::string_view line, unsigned mode) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) throw_errno("open", path);
  write_all(file, std::string(line) + "\n", path);
  sync_file(file, path);
}

}  // namespace kongfleet::agent
