// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <utility>

namespace kongfleet::agent {

/// Owns one file descriptor and closes it. Everything we open is O_CLOEXEC.
class Fd {
public:
  Fd() = default;
  explicit Fd(int raw) : raw_(raw) {}
  Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (raw_ >= 0) ::close(raw_);
  }
  int get() const { return raw_; }
  explicit operator bool() const { return raw_ >= 0; }

private:
  int raw_ = -1;
};

}  // namespace kongfleet::agent
