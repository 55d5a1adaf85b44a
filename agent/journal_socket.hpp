// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kongfleet::agent {

/// The fields of one entry of journald's: names as systemd.journal-fields(7) wants them.
using JournalFields = std::vector<std::pair<std::string, std::string>>;

/// An entry as journald's socket takes it (systemd's "Native Journal Protocol"), which
/// sd_journal_send(3) speaks: the agent is static, and libsystemd no static library.
std::string journal_entry(const JournalFields& fields);

/// Hands an entry to journald at `socket`. False where it could not: nothing waits for room there.
bool send_to_journal(const std::string& entry,
                     const std::string& socket = "/run/systemd/journal/socket");

}  // namespace kongfleet::agent
