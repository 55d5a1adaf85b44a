// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "mount_fixture.hpp"

#include "agent/fd.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <exception>

namespace kongfleet::agent {

namespace fs = std::filesystem;

namespace {

void succeeds(int result) {
  INFO(std::strerror(errno));
  REQUIRE(result == 0);
}

}  // namespace

void in_own_mounts(const std::function<void()>& work) {
  const Fd before(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  const Fd here(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::exception_ptr failed;
  succeeds(::unshare(CLONE_NEWNS));
  try {
    succeeds(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    work();
  } catch (...) {
    failed = std::current_exception();
  }
  // A way back for single threads only: whatever `work` started must have ended.
  succeeds(::setns(before.get(), CLONE_NEWNS));
  succeeds(::fchdir(here.get()));
  if (failed) std::rethrow_exception(failed);
}

Mount::Mount(fs::path at) : at_(std::move(at)) {}

Mount::Mount(Mount&& other) noexcept : at_(std::move(other.at_)) { other.at_.clear(); }

Mount::~Mount() {
  if (!at_.empty()) ::umount2(at_.c_str(), MNT_DETACH);
}

Mount Mount::tmpfs(const fs::path& at, const std::string& size, unsigned inodes) {
  const auto options = "size=" + size + ",nr_inodes=" + std::to_string(inodes);
  succeeds(::mount("tmpfs", at.c_str(), "tmpfs", 0, options.c_str()));
  return Mount(at);
}

Mount Mount::ext4(const fs::path& at, const fs::path& image) {
  const auto command = "truncate -s 4M '" + image.string() + "' && mkfs.ext4 -q -O ^has_journal '" +
                       image.string() + "' && mount -o loop '" + image.string() + "' '" +
                       at.string() + "'";
  REQUIRE(::system(command.c_str()) == 0);
  return Mount(at);
}

Mount Mount::bind(const fs::path& what, const fs::path& at) {
  succeeds(::mount(what.c_str(), at.c_str(), nullptr, MS_BIND, nullptr));
  return Mount(at);
}

void Mount::make_read_only() const {
  succeeds(::mount("none", at_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr));
}

Attributes::Attributes(fs::path path, int flags) : path_(std::move(path)) {
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  succeeds(::ioctl(file.get(), FS_IOC_GETFLAGS, &before_));
  int wanted = before_ | flags;
  succeeds(::ioctl(file.get(), FS_IOC_SETFLAGS, &wanted));
}

Attributes::~Attributes() {
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ::ioctl(file.get(), FS_IOC_SETFLAGS, &before_);
}

}  // namespace kongfleet::agent
