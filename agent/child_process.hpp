// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// Whose rights a program gets.
struct ChildUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/// One program to run. No shell, nothing inherited: neither environment nor descriptors nor signal
/// mask; its standard input is /dev/null and its directory is "/" (Kong looks for modules in "./"
/// first).
struct ChildRequest {
  std::vector<std::string>
      argv;  // argv[0] is a path, or a name to be found in PATH of `environment`
  std::vector<std::string> environment;  // "NAME=value"
  std::optional<ChildUser> user;         // nothing: ours
  std::chrono::steady_clock::time_point deadline;
  std::size_t output_max = std::size_t{64}
                           << 10;  // of each of both streams; what exceeds it is read and dropped
  /// Asked a few times a second, where there is one: false has it killed as at the deadline.
  std::function<bool()> wanted = {};
};

/// How it ended.
struct ChildResult {
  int exit_code = 0;       // 128 + N when signal N ended it, 127 when it could not be started
  bool timed_out = false;  // it and its process group were killed at the deadline
  std::string output;      // standard output
  std::string errors;      // standard error
  bool unwanted = false;   // it was killed like that before the deadline
  bool ok() const { return exit_code == 0 && !timed_out && !unwanted; }
  /// Both streams as one text for people, errors first, without blank ends.
  std::string text() const;
};

/// Runs a program to its end, or to the deadline, or until it is not `wanted` any more, when its
/// whole process group is killed. It also dies with the thread that started it. What goes wrong
/// with the program is in the result; throws Error where the host fails (no process, no
/// descriptor). Thread-safe; blocks the calling thread.
ChildResult run_child(const ChildRequest& request);

/// The file that `name` means: itself when it has a '/', else the first executable of that name in
/// `path`
/// ("/a:/b"); nothing when there is none.
std::optional<std::filesystem::path> find_program(const std::string& name, std::string_view path);

}  // namespace kongfleet::agent
