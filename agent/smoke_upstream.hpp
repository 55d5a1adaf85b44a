// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <cstdint>
#include <thread>

namespace kongfleet::agent {

/// What a smoke test's service points to: on 127.0.0.1, at a port of the kernel's choice, for as
/// long as the object lives. Answers whatever looks like a request with 200 and {}, one after the
/// other, each within two seconds. Throws Error where it can't listen.
class SmokeUpstream {
public:
  SmokeUpstream();
  ~SmokeUpstream();
  SmokeUpstream(const SmokeUpstream&) = delete;
  SmokeUpstream& operator=(const SmokeUpstream&) = delete;
  std::uint16_t port() const { return port_; }

private:
  void serve();

  Fd listening_;
  Fd stop_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace kongfleet::agent
