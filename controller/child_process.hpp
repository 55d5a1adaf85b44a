// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

struct ChildResult {
  int exit_code = 0;   // 128 + N when signal N ended it
  std::string output;  // its stdout
  std::string errors;  // the first 8 KiB of its stderr
};

/// What becomes of output beyond ChildLimits::output_bytes.
enum class Excess { Refuse, Drop };

struct ChildLimits {
  std::size_t output_bytes;
  std::chrono::milliseconds time;
  Excess excess = Excess::Refuse;
  int stop = -1;  // a descriptor: as soon as it can be read, the child is ended
};

/// Where a program runs, and what it is told besides our environment.
struct ChildSurroundings {
  std::filesystem::path directory = {};     // empty: ours
  std::vector<std::string> variables = {};  // "NAME=value"; they go before those of ours
  /// In a process group of its own: a Ctrl-C at the terminal is for us and not for it, and when its
  /// time is up its own children are ended with it.
  bool own_group = false;
};

/// Runs a program to its end: `argv[0]` is looked up in PATH, no shell is involved, `input` is its
/// stdin. It gets our environment without GIT_* and with LC_ALL=C, so that what it says can be read
/// and no other repository is meant than the one it is told. Throws Error when it cannot be
/// started, writes more than it may, or takes longer, or is to be stopped; it is killed and waited
/// for then. Signals that we ignore are not ignored there.
ChildResult run_child(const std::vector<std::string>& argv, std::string_view input,
                      ChildLimits limits, const ChildSurroundings& surroundings = {});

}  // namespace kongfleet::controller
