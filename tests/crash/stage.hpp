// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"

#include <map>
#include <string>

namespace kongfleet::crash {

/// What a host is when a scene begins.
enum class Start {
  Base,   // kongfleet was never there
  One,    // 1.0.0 is committed
  Two,    // 1.0.0, then 1.1.0
  Trial,  // 1.0.0 is committed, and the agent died while 1.1.0 was in trial
};

/// The host of a lane, and copies of it from which every scene starts anew.
class Stage {
public:
  /// Prepares a host for each start, with real deploys.
  Stage();
  const CrashHost& host() const { return host_; }
  /// Makes the host one of a start, without Kong. Nothing may run on it.
  void set(Start start) const;
  /// kong.conf of a start.
  const std::string& text(Start start) const { return texts_.at(start); }

private:
  void make(Start start) const;
  static fs::path copy_of(Start start);
  const CrashHost host_;
  std::map<Start, std::string> texts_;
};

}  // namespace kongfleet::crash
