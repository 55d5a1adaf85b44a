// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_copy.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

namespace kongfleet::agent {

namespace {

// Never through a link, never blocking on a FIFO: what lies in a generation may have been tampered
// with.
Fd open_regular(const fs::path& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return Fd();
  return file;
}

// Reads to the end, hashing; hands every piece to `sink`. Stops early past `limit` bytes: it can't
// be right any more.
template <class Sink>
bool hash_file(const Fd& file, const ManifestFile& expected, const fs::path& path, Sink sink) {
  Sha256 hash;
  std::uint64_t size = 0;
  char buffer[65536];
  while (size <= expected.size) {
    const auto got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", path);
    if (got == 0) break;
    const std::string_view piece(buffer, static_cast<std::size_t>(got));
    size += piece.size();
    hash.update(piece);
    sink(piece);
  }
  return size == expected.size && hash.finish() == expected.digest;
}

}  // namespace

void copy_verified(const fs::path& from, const fs::path& to, const ManifestFile& expected) {
  const auto source = open_regular(from);
  if (!source) throw Error("copy '" + from.string() + "': it is not a file that can be read");
  const auto target = create_file(to, expected.mode);
  const bool cloned = ::ioctl(target.get(), FICLONE, source.get()) == 0;
  const bool right = hash_file(source, expected, from, [&](std::string_view piece) {
    if (!cloned) write_all(target, piece, to);
  });
  if (!right)
    throw Error("copy '" + from.string() + "': its content is not what the manifest says");
  sync_file(target, to);
}

bool take_verified(const fs::path& from, const fs::path& to, const ManifestFile& expected) {
  struct stat info {};
  const bool only_there =
      ::lstat(from.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1;
  if (!only_there || ::link(from.c_str(), to.c_str()) != 0) return false;
  const auto file = open_regular(to);
  if (!file || !hash_file(file, expected, to, [](std::string_view) {}))
    throw Error("take '" + from.string() + "': its content is not what the manifest says");
  if (::fchmod(file.get(), expected.mode) != 0) throw_errno("set the mode of", to);
  sync_file(file, to);
  return true;
}

bool same_content(const fs::path& path, const ManifestFile& expected) {
  try {
    const auto file = open_regular(path);
    return file && hash_file(file, expected, path, [](std::string_view) {});
  } catch (const Error&) {
    return false;
  }
}

}  // namespace kongfleet::agent
