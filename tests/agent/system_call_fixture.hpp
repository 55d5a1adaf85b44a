// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// What happens to a system call while a test does its work.
struct SystemCall {
  int number;  // SYS_fsync, … (sys/syscall.h); what libc calls is not always what its name says
  int error = 0;                         // the errno it fails with; 0: it goes through
  int nth = 1;                           // which of them, counted from 1;
  bool and_later = false;                // and whether all after it share its fate
  std::function<void()> meanwhile = {};  // what somebody else does just before it
};

/// Does `work` with that done to its system calls. Returns the message of the std::exception that
/// came out of it, or "". The test fails when one of the calls was never made. No other thread of
/// the test is concerned, unless `work` starts it; and no assertion of Catch belongs into
/// `meanwhile`. It can't be used within itself.
std::string message_with(const std::vector<SystemCall>& calls, const std::function<void()>& work);
std::string message_with(const SystemCall& call, const std::function<void()>& work);

}  // namespace kongfleet::agent
