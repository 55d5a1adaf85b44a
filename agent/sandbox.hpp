// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace kongfleet::agent {

// What a process gives up for good, so that it can do no harm once somebody else's bytes have taken
// it over. Each call is for a process with one thread, and throws Error, which names the step,
// where one was not taken: who did not give up everything must not read a byte. Linux can do all of
// it since 3.5; a kernel that was built without filters for system calls (CONFIG_SECCOMP_FILTER) is
// one on which nobody is served.

/// Closes every descriptor but these, and gives them the numbers 0, 1, … in their order.
void keep_descriptors(std::vector<int> kept);

/// No privileges any more: no capabilities, nor any to come; no core dumps, and no ptrace(2) by
/// others of that user. And another user than root, where CAP_SETUID and CAP_SETGID were there to
/// become one. The shipped unit does not give them to the daemon, which would hold more power all
/// day than its children save: there they stay uid 0, whose files and processes are in reach of
/// system calls alone, and those are filtered. The bounding set stays too, for want of CAP_SETPCAP;
/// without execve(2), and with no new privileges, nothing comes of it.
void drop_privileges();

/// Of the process that makes interpreters: it forks them, hears of their end, ends them, and logs;
/// any other system call fails with EPERM. No files are opened, nothing is executed.
void confine_factory();

/// Of an interpreter, whose descriptors are 0 and 1: it reads and writes those and takes memory,
/// `memory_max` bytes of address space in all; any other system call kills it.
void confine_interpreter(std::uint64_t memory_max);

}  // namespace kongfleet::agent
