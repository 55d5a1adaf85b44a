// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"
#include "tests/power/recovered_host.hpp"

#include <set>
#include <string>
#include <vector>

namespace kongfleet::power {

/// How much room a disk has.
enum class Room {
  Enough,
  None,  // not a block and not an inode is free
};

/// What follows when the power of a recorded host comes back: the real agent recovers it as at
/// boot, Kong not running, and the host is judged. In a lane (tests/crash), one in each.
class PowerReturn {
public:
  explicit PowerReturn(const Recording& recording);
  /// Recovers the host that lies where the recorded one lay. An empty string, or what is wrong with
  /// it then. `marks`: how many of the recording's marks may have been made. Room::None only where
  /// the host lies on the lane's own file system.
  std::string why_bad(const std::set<std::size_t>& marks, Room room) const;
  /// What the agent said in it.
  std::string said() const;
  /// Whether a person may have edited kong.conf by then.
  bool edited(const std::set<std::size_t>& marks) const;

private:
  crash::CrashHost host_;
  HostTexts texts_;
  std::vector<Expectation> expectations_;  // by the number of marks
};

}  // namespace kongfleet::power
