// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_file.hpp"

#include "controller/ssh_fd.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace kongfleet::controller {

std::optional<std::string> read_whole_file(const std::filesystem::path& path,
                                           std::string_view doing, std::size_t most) {
  // A pipe that nobody writes to would be waited for.
  const SshFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) throw_errno(doing, path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) throw_errno(doing, path);
  if (S_ISFIFO(info.st_mode))
    throw Error(std::string(doing) + " '" + path.string() + "': it is a pipe, not a file");
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(doing, path);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > most) {
      throw Error(std::string(doing) + " '" + path.string() + "': it is larger than " +
                  std::to_string(most) + " bytes");
    }
  }
}

}  // namespace kongfleet::controller
