// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/durable_file.hpp"
#include "agent/fd.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace kongfleet::agent::test {

/// What the agent logs, which goes to stderr where no journald listens, as long as this lives.
class CapturedLog {
public:
  CapturedLog()
      : stderr_(::dup(STDERR_FILENO)), file_(::memfd_create("kongfleet-log", MFD_CLOEXEC)) {
    ::dup2(file_.get(), STDERR_FILENO);
  }
  ~CapturedLog() { ::dup2(stderr_.get(), STDERR_FILENO); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  std::string text() const { return read_file("/proc/self/fd/" + std::to_string(file_.get())); }

private:
  Fd stderr_;
  Fd file_;
};

}  // namespace kongfleet::agent::test
