// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_exchange.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace kongfleet::agent {

namespace {

fs::path swap_name(const fs::path& other) { return other.string() + ".swap"; }

// By number: glibc has the function since 2.28 only. False where it is not to be had here.
bool exchange_at_once(const fs::path& a, const fs::path& b) {
  if (::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    return true;
  }
  if (errno == ENOSYS || errno == EINVAL) return false;
  throw_errno("exchange with '" + a.string() + "' the file", b);
}

}  // namespace

void exchange_files(const fs::path& other, const fs::path& live) {
  if (exchange_at_once(other, live)) return;
  finish_exchange(other, live);
  const auto second = swap_name(other);
  if (::link(live.c_str(), second.c_str()) != 0) throw_errno("give a second name to", live);
  sync_directory(live.parent_path());  // before the first name goes: the content is the way back
  rename_file(other, live);
  rename_file(second, other);
}

bool finish_exchange(const fs::path& other, const fs::path& live) {
  const auto second = swap_name(other);
  struct stat swap {};
  if (::lstat(second.c_str(), &swap) != 0) {
    if (errno == ENOENT) return false;
    throw_errno("look at", second);
  }
  struct stat now {};
  if (::lstat(live.c_str(), &now) != 0) throw_errno("look at", live);
  if (swap.st_ino != now.st_ino) {
    rename_file(second, other);
    return true;
  }
  if (::unlink(second.c_str()) != 0) throw_errno("remove", second);
  return true;
}

}  // namespace kongfleet::agent
