// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace kongfleet::fuzz {

/// A file that no disk holds.
class MemoryFile {
public:
  explicit MemoryFile(std::string_view bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(file_.get() >= 0 && ::write(file_.get(), bytes.data(), bytes.size()) ==
                                    static_cast<ssize_t>(bytes.size()),
            "the test's own file can be written");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

private:
  agent::Fd file_;
};

}  // namespace kongfleet::fuzz
