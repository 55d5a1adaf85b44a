// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace kongfleet::agent {

// What a process gives up for good, so that it can do no harm once somebody else's bytes have taken
// it over. Each call is for a process with one thread. What a kernel does not have is gone without;
// only the system calls' filter is worth a word (filters_system_calls).

/// Whether the kernel can filter system calls: Linux 3.5 (prctl(2), PR_SET_SECCOMP), where it was
/// built in.
bool filters_system_calls();

/// Closes every descriptor but these, and gives them the numbers 0, 1, … in their order.
void keep_descriptors(std::vector<int> kept);

/// No privileges any more: no capabilities, nor any to come, and, where CAP_SETUID and CAP_SETGID
/// were among them, another user than root; no core dumps, and no ptrace(2) by others of that user.
void drop_privileges();

/// Of the process that makes interpreters: it forks them, hears of their end, ends them, and logs;
/// any other system call fails with EPERM. No files are opened, nothing is executed.
void confine_factory();

/// Of an interpreter, whose descriptors are 0 and 1: it reads and writes those and takes memory,
/// `memory_max` bytes of address space in all; any other system call kills it.
void confine_interpreter(std::uint64_t memory_max);

}  // namespace kongfleet::agent
