// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace kongfleet::crash {

/// What a test proved, for tests/run. Time is counted from its construction.
class ProofEntry {
public:
  /// `file`: how its file is called where several entries have one name.
  ProofEntry(std::string name, std::string promise, std::string file = "");
  std::size_t count = 0;
  std::size_t bad = 0;
  /// Prints it, and keeps it where tests/run wants it. Throws Error.
  void write() const;

private:
  std::string name_;
  std::string promise_;
  std::string file_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Whether more is asked for than fits into an everyday run (KONGFLEET_DEEP).
bool deep();

}  // namespace kongfleet::crash
