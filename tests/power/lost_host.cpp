// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/lost_host.hpp"

namespace kongfleet::power {

LostHost::LostHost(const Recording& recording)
    : host_(recording.disk.root), disk_(recording.disk), return_(recording) {
  // Kong's own files, as a Kong that ran when the power went leaves them.
  host_.make();
  host_.start_kong();
  host_.kill_kong();
}

// Whether there is everything in `state` that an agent needs to begin, and no edit to be merged.
bool LostHost::needs_nothing(const DiskTree& state, const std::set<std::size_t>& marks) const {
  const auto directory = host_.state().filename();
  return !return_.edited(marks) && state.find(directory / "lock") &&
         state.find(directory / "journal") && state.find(directory / "generations");
}

std::string LostHost::why_bad_after(const DiskTree& state, const std::set<std::size_t>& marks,
                                    Room room) const {
  state.write_to(disk_);
  const bool filled = room == Room::None && needs_nothing(state, marks);
  return return_.why_bad(marks, filled ? Room::None : Room::Enough);
}

}  // namespace kongfleet::power
