// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::crash {

/// What the agent's journal says, read without the agent's code: two slots of 8 KiB, of which the
/// whole one with the higher sequence number counts.
struct JournalReading {
  std::uint64_t committed = 0;
  std::string committed_digest;
  std::vector<std::uint64_t> earlier;
  bool open = false;
  std::string last_id;
  std::string last_end;
};

/// Throws Error for a journal that an agent could not open.
JournalReading read_journal(std::string_view bytes);

}  // namespace kongfleet::crash
