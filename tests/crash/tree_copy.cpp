// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tree_copy.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace kongfleet::crash {

namespace {

namespace fs = std::filesystem;

void take_after(const fs::path& to, const struct stat& info) {
  const std::array<timespec, 2> times{info.st_atim, info.st_mtim};
  if (::lchown(to.c_str(), info.st_uid, info.st_gid) != 0) throw_errno("give away", to);
  if (::chmod(to.c_str(), info.st_mode & 07777) != 0) throw_errno("set the mode of", to);
  if (::utimensat(AT_FDCWD, to.c_str(), times.data(), 0) != 0) throw_errno("set the time of", to);
}

}  // namespace

void copy_tree(const fs::path& from, const fs::path& to, const fs::path& shared) {
  struct stat info {};
  if (::lstat(from.c_str(), &info) != 0) throw_errno("look at", from);
  if (S_ISDIR(info.st_mode)) {
    fs::create_directory(to);
    for (const auto& entry : fs::directory_iterator(from))
      copy_tree(entry.path(), to / entry.path().filename(), shared);
  } else if (S_ISSOCK(info.st_mode)) {
    if (::mknod(to.c_str(), info.st_mode, 0) != 0) throw_errno("make", to);
  } else if (from.parent_path().filename() == shared) {
    return fs::create_hard_link(from, to);
  } else {
    fs::copy_file(from, to);
  }
  take_after(to, info);
}

}  // namespace kongfleet::crash
