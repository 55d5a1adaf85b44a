// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/state_backend.hpp"

namespace kongfleet::controller {

/// A state in a PostgreSQL database, for controllers on several machines. `uri` is libpq's (its
/// manual, "Connection URIs"): what it leaves out, such as a password, comes from where all of
/// PostgreSQL's programs have it (PGPASSFILE, PGSERVICE, …). The tables are in the first schema of
/// the search_path, which has no others. Throws as StateDatabase says, and Error where nobody
/// answers: within 10 s.
///
/// What is written lasts when the server says so (synchronous_commit is not off). A connection that
/// is lost is made anew before the next transaction, which is tried for as long as a lock is waited
/// for. A network that is silent is given up within 15 s, and so is a controller that is silent in
/// the midst of a transaction; a server that lives and does not answer is not.
std::unique_ptr<StateBackend> open_postgresql_state(const std::string& uri, StateMode mode,
                                                    StateSurroundings surroundings);

/// Whether somebody made a state there.
bool postgresql_state_exists(const std::string& uri);

/// The URI as it may be shown: who, where and which database; of one that libpq does not
/// understand, nothing. Pure.
std::string shown_uri(const std::string& uri);

/// `text` without the URI's passwords. Pure.
std::string without_secrets(std::string text, const std::string& uri);

}  // namespace kongfleet::controller
