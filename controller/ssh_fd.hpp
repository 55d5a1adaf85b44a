// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <utility>

namespace kongfleet::controller {

/// Owns one file descriptor.
class SshFd {
public:
  SshFd() = default;
  explicit SshFd(int raw) : raw_(raw) {}
  SshFd(SshFd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  SshFd& operator=(SshFd&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~SshFd() {
    if (raw_ >= 0) ::close(raw_);
  }
  int get() const { return raw_; }
  int release() { return std::exchange(raw_, -1); }
  explicit operator bool() const { return raw_ >= 0; }

private:
  int raw_ = -1;
};

}  // namespace kongfleet::controller
