// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/followed_path.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>
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

/// One walk along a path, from directory to directory, by descriptors: what was looked at is what
/// is walked through.
class Walk {
public:
  explicit Walk(const fs::path& path) : asked_(path.string()) { add(path); }

  fs::path end() {
    while (!left_.empty()) {
      const fs::path name = left_.front();
      left_.pop_front();
      take(name);
    }
    for (const auto& link : strangers_) {
      if (link.owner == owner_) continue;
      throw Error("'" + link.path.string() + "', on the way to '" + asked_ + "', is a symlink of " +
                  user(link.owner) + " and leads to a file of " + user(owner_) +
                  "; make it root's with chown -h, or name the file itself");
    }
    return at_;
  }

private:
  void add(const fs::path& path) {
    left_.insert(left_.begin(), path.begin(), path.end());
    if (!path.is_absolute()) return;
    here_ = Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!here_) throw_errno("find", asked_);
    at_ = left_.front();
    left_.pop_front();
  }

  void take(const fs::path& name) {
    if (name.empty() || name == ".") return;
    Fd next(::openat(here_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next) throw_errno("find", asked_);
    struct stat info {};
    if (::fstat(next.get(), &info) != 0) throw_errno("look at", at_ / name);
    if (S_ISLNK(info.st_mode)) {
      follow(next, {at_ / name, info.st_uid});
      return;
    }
    owner_ = info.st_uid;
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
  std::deque<fs::path> left_;
  fs::path at_;
  Fd here_;
  uid_t owner_ = 0;
  std::vector<Link> strangers_;
  int links_ = 0;
};

std::string who_may_replace_in(const fs::path& directory) {
  struct stat info {};
  if (::lstat(directory.c_str(), &info) != 0) throw_errno("look at", directory);
  const auto quoted = "'" + directory.string() + "'";
  if (!is_trusted(info.st_uid)) return quoted + " belongs to " + user(info.st_uid);
  if ((info.st_mode & S_ISVTX) != 0) return {};
  if ((info.st_mode & S_IWOTH) != 0) return quoted + " can be written by everybody";
  if ((info.st_mode & S_IWGRP) == 0 || info.st_gid == 0) return {};
  return quoted + " can be written by group " + std::to_string(info.st_gid);
}

}  // namespace

fs::path followed_path(const fs::path& path) { return Walk(path).end(); }

std::string who_may_replace(const fs::path& directory) {
  for (fs::path at = fs::canonical(directory);; at = at.parent_path()) {
    auto who = who_may_replace_in(at);
    if (!who.empty() || at == at.root_path()) return who;
  }
}

}  // namespace kongfleet::agent
