// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/followed_path.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>
#include <utility>
#include <vector>

namespace kongfleet::agent {

namespace {

constexpr int links_max = 40;  // as Linux has it, path_resolution(7)

bool is_trusted(uid_t owner) { return owner == 0 || owner == ::geteuid(); }

std::string user(uid_t id) { return "user " + std::to_string(id); }

struct Link {
  fs::path path;
  uid_t owner = 0;
};

/// Whose what a stranger's link leads to has to be: the link's owner's itself, or, of a file that
/// is only read, at least the directory it lies in. Root's nginx creates its files in Kong's
/// directory.
enum class Own { Itself, OrItsDirectory };

/// One walk along a path, from directory to directory, by descriptors: what was looked at is what
/// is walked through.
class Walk {
public:
  explicit Walk(const fs::path& path, Own own = Own::Itself) : asked_(path.string()), own_(own) {
    add(path);
  }

  fs::path end() {
    while (!left_.empty()) {
      const fs::path name = left_.front();
      left_.pop_front();
      take(name);
    }
    for (const auto& link : strangers_) {
      if (link.owner == owner_) continue;
      if (own_ == Own::OrItsDirectory && link.owner == owner_of_directory_) continue;
      throw Error("'" + link.path.string() + "', on the way to '" + asked_ + "', is a symlink of " +
                  user(link.owner) + " and leads to a file of " + user(owner_) +
                  "; make it root's with chown -h, or name the file itself");
    }
    return at_;
  }
  /// Of the end.
  Fd take_descriptor() { return std::move(here_); }
  /// Whether nobody but its owner, or root, can have given the end its name.
  bool is_named_by_owner() const {
    return owner_ == owner_of_directory_ && (mode_of_directory_ & (S_IWGRP | S_IWOTH)) == 0;
  }
  /// Whether end() threw because there is no such file.
  bool missing() const { return missing_; }

private:
  void add(const fs::path& path) {
    left_.insert(left_.begin(), path.begin(), path.end());
    if (!path.is_absolute()) return;
    here_ = Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!here_) throw_errno("find", asked_);
    owner_ = 0;
    mode_ = 0;
    at_ = left_.front();
    left_.pop_front();
  }

  void take(const fs::path& name) {
    if (name.empty() || name == ".") return;
    Fd next(::openat(here_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    missing_ = !next && errno == ENOENT;
    if (!next) throw_errno("find", asked_);
    struct stat info {};
    if (::fstat(next.get(), &info) != 0) throw_errno("look at", at_ / name);
    if (S_ISLNK(info.st_mode)) {
      follow(next, {at_ / name, info.st_uid});
      return;
    }
    owner_of_directory_ = std::exchange(owner_, info.st_uid);
    mode_of_directory_ = std::exchange(mode_, info.st_mode);
    at_ = name == ".." ? at_.parent_path() : at_ / name;
    here_ = std::move(next);
  }

  void follow(const Fd& fd, Link link) {
    if (++links_ > links_max) {
      errno = ELOOP;
      throw_errno("find", asked_);
    }
    std::string target(PATH_MAX, '\0');
    const auto length = ::readlinkat(fd.get(), "", target.data(), target.size());
    if (length < 0) throw_errno("read link", link.path);
    target.resize(static_cast<std::size_t>(length));
    add(target);
    if (!is_trusted(link.owner)) strangers_.push_back(std::move(link));
  }

  std::string asked_;
  Own own_;
  std::deque<fs::path> left_;
  fs::path at_;
  Fd here_;
  uid_t owner_ = 0;
  mode_t mode_ = 0;
  uid_t owner_of_directory_ = 0;
  mode_t mode_of_directory_ = 0;
  std::vector<Link> strangers_;
  int links_ = 0;
  bool missing_ = false;
};

std::string who_may_write_to(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw_errno("look at", path);
  const auto quoted = "'" + path.string() + "'";
  if (!is_trusted(info.st_uid)) return quoted + " belongs to " + user(info.st_uid);
  if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) return {};
  if ((info.st_mode & S_IWOTH) != 0) return quoted + " can be written by everybody";
  // A directory of root's group is root's own; of a file that decides, even that is one too many.
  if ((info.st_mode & S_IWGRP) == 0) return {};
  // Where there is an ACL these bits are its mask, not root's group's (acl(5)).
  if (::lgetxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0)
    return quoted + " can be written by whom its ACL names";
  if (S_ISDIR(info.st_mode) && info.st_gid == 0) return {};
  return quoted + " can be written by group " + std::to_string(info.st_gid);
}

}  // namespace

fs::path followed_path(const fs::path& path) { return Walk(path).end(); }

Directory followed_directory(const fs::path& path) {
  Walk walk(path);
  auto at = walk.end();
  return {walk.take_descriptor(), std::move(at)};
}

Fd followed_file(const fs::path& path) {
  Walk walk(fs::absolute(path), Own::OrItsDirectory);
  try {
    walk.end();
  } catch (const Error&) {
    if (walk.missing()) return Fd();
    throw;
  }
  // Found, it is looked at before it is opened: to open a device may already do something.
  const auto found = walk.take_descriptor();
  struct stat info {};
  if (::fstat(found.get(), &info) != 0) throw_errno("look at", path);
  if (!S_ISREG(info.st_mode)) throw Error("read '" + path.string() + "': it is not a regular file");
  if (info.st_nlink > 1 && !walk.is_named_by_owner()) {
    throw Error("read '" + path.string() + "': it has " + std::to_string(info.st_nlink) +
                " hard links, and may be another user's");
  }
  const auto itself = "/proc/self/fd/" + std::to_string(found.get());
  Fd file(::open(itself.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) throw_errno("open", path);
  return file;
}

bool is_absent(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0 || errno != ENOENT) return false;
  const auto directory = path.parent_path();
  if (directory.empty() || ::stat(directory.c_str(), &info) == 0) return true;
  return directory != path && is_absent(directory);
}

std::string who_may_replace(const fs::path& directory) {
  for (fs::path at = fs::canonical(directory);; at = at.parent_path()) {
    auto who = who_may_write_to(at);
    if (!who.empty() || at == at.root_path()) return who;
  }
}

std::string who_may_write(const fs::path& file) {
  std::error_code failed;
  const auto real = fs::canonical(file, failed);
  if (failed) throw Error("look at '" + file.string() + "': " + failed.message());
  for (const auto& at : {fs::absolute(file), real}) {
    auto who = who_may_replace(at.parent_path());
    if (!who.empty()) return who;
  }
  return who_may_write_to(real);
}

}  // namespace kongfleet::agent
