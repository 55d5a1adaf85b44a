// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/live_file.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace kongfleet::agent {

namespace {

constexpr std::size_t conf_bytes_max = std::size_t{1} << 20;
constexpr std::size_t xattr_bytes_max =
    std::size_t{64} << 10;  // XATTR_SIZE_MAX and XATTR_LIST_MAX of linux/limits.h

// ACLs (system.posix_acl_access), SELinux labels (security.selinux) and user attributes are all
// extended attributes.
void copy_attributes(const Fd& from, const Fd& to, const fs::path& path) {
  std::vector<char> names(xattr_bytes_max);
  const auto length = ::flistxattr(from.get(), names.data(), names.size());
  if (length < 0 && errno == ENOTSUP) return;
  if (length < 0) throw_errno("list extended attributes of", path);
  std::vector<char> value(xattr_bytes_max);
  for (const char* name = names.data(); name < names.data() + length;
       name += std::char_traits<char>::length(name) + 1) {
    const auto size = ::fgetxattr(from.get(), name, value.data(), value.size());
    if (size < 0) throw_errno("read extended attribute " + std::string(name) + " of", path);
    if (::fsetxattr(to.get(), name, value.data(), static_cast<std::size_t>(size), 0) != 0) {
      throw_errno("copy extended attribute " + std::string(name) + " of", path);
    }
  }
}

void remove_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw_errno("remove", path);
}

// renameat2 is called by number: glibc has it since 2.28 only, and a kernel or file system without
// it says so.
bool exchange_names(const fs::path& a, const fs::path& b) {
  if (::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    return true;
  }
  if (errno == ENOSYS || errno == EINVAL) return false;
  throw_errno("exchange with '" + a.string() + "' the file", b);
}

}  // namespace

LiveFile::LiveFile(const fs::path& path) {
  std::error_code failed;
  path_ = fs::canonical(path, failed);
  if (failed) throw Error("find '" + path.string() + "': " + failed.message());
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) throw_errno("look at", path_);
  if (!S_ISREG(info.st_mode)) throw Error("'" + path_.string() + "' is not a regular file");
  if (info.st_nlink > 1) {
    throw Error("'" + path_.string() + "' has " + std::to_string(info.st_nlink) +
                " hard links; replacing it would cut the others off. Make it a file of its own");
  }
}

std::string LiveFile::read() const { return read_file(path_, conf_bytes_max); }

fs::path LiveFile::prepared(Which which) const {
  const char* suffix = which == Which::New ? ".kongfleet-new" : ".kongfleet-restore";
  return path_.parent_path() / ("." + path_.filename().string() + suffix);
}

void LiveFile::stage(Which which, std::string_view content) const {
  const auto target = prepared(which);
  remove_if_there(target);
  const Fd like(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!like) throw_errno("open", path_);
  struct stat info {};
  if (::fstat(like.get(), &info) != 0) throw_errno("look at", path_);
  const auto file =
      create_file(target, 0600);  // closed to others until it is as protected as the original
  write_all(file, content, target);
  if (::fchown(file.get(), info.st_uid, info.st_gid) != 0) throw_errno("set the owner of", target);
  copy_attributes(like, file, path_);
  if (::fchmod(file.get(), info.st_mode & 07777) != 0) throw_errno("set the mode of", target);
  sync_file(file, target);
}

void LiveFile::prepare(std::string_view next, std::string_view restore) const {
  stage(Which::Restore, restore);
  stage(Which::New, next);
  sync_directory(path_.parent_path());
}

bool LiveFile::holds(Which which, const Digest& content) const {
  std::string text;
  return read_file_if_there(prepared(which), text) && sha256(text) == content;
}

// Somebody may have changed owner or mode since the file was prepared: that stands too.
void LiveFile::take_identity(Which which) const {
  struct stat live {};
  struct stat ready {};
  const auto other = prepared(which);
  if (::stat(path_.c_str(), &live) != 0) throw_errno("look at", path_);
  if (::lstat(other.c_str(), &ready) != 0) throw_errno("look at", other);
  const bool same = live.st_uid == ready.st_uid && live.st_gid == ready.st_gid &&
                    (live.st_mode & 07777) == (ready.st_mode & 07777);
  if (same) return;
  const Fd file(::open(other.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) throw_errno("open", other);
  if (::fchown(file.get(), live.st_uid, live.st_gid) != 0) throw_errno("set the owner of", other);
  if (::fchmod(file.get(), live.st_mode & 07777) != 0) throw_errno("set the mode of", other);
  sync_file(file, other);
}

bool LiveFile::exchange(Which which, const Digest& expected) const {
  if (sha256(read()) != expected) return false;
  const auto other = prepared(which);
  take_identity(which);
  if (!exchange_names(other, path_)) {
    // No exchange on this kernel or file system: plain rename, with a window for edits that nothing
    // can close.
    if (::rename(other.c_str(), path_.c_str()) != 0) throw_errno("rename to", path_);
    sync_directory(path_.parent_path());
    return true;
  }
  if (sha256(read_file(other, conf_bytes_max)) != expected) {
    exchange_names(other, path_);  // an edit came between the look and the exchange: it goes back
    sync_directory(path_.parent_path());
    return false;
  }
  sync_directory(path_.parent_path());
  return true;
}

bool LiveFile::replace(std::string_view next, const Digest& expected) const {
  stage(Which::New, next);
  return exchange(Which::New, expected);
}

void LiveFile::forget() const {
  remove_if_there(prepared(Which::New));
  remove_if_there(prepared(Which::Restore));
  sync_directory(path_.parent_path());
}

}  // namespace kongfleet::agent
