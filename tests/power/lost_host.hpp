// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"
#include "tests/power/power_return.hpp"

#include <set>
#include <string>

namespace kongfleet::power {

/// A recorded host, lost with its power: its disk holds what is told, and the agent recovers it. In
/// a lane (tests/crash), one in each.
class LostHost {
public:
  explicit LostHost(const Recording& recording);
  /// An empty string, or what is wrong with the host after its recovery from `state`. `marks`: how
  /// many of the recording's marks may have been made. Room::None where nothing has to be made anew
  /// (P5); else it is as Room::Enough.
  std::string why_bad_after(const DiskTree& state, const std::set<std::size_t>& marks,
                            Room room) const;
  /// What the agent said in the last recovery.
  std::string said() const { return return_.said(); }

private:
  bool needs_nothing(const DiskTree& state, const std::set<std::size_t>& marks) const;

  crash::CrashHost host_;
  Disk disk_;
  PowerReturn return_;
};

}  // namespace kongfleet::power
