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
/// for; one that is silent, and a server that is, is given up after half a minute.
std::unique_ptr<StateBackend> open_postgresql_state(const std::string& uri, StateMode mode,
                                                    StateSurroundings surroundings);

/// Whether somebody made a state there.
bool postgresql_state_exists(const std::string& uri);

/// The URI as it may be shown: without its password and its parameters. Pure.
std::string shown_uri(const std::string& uri);

/// `text`, in which libpq may quote parts of the URI, without what shown_uri() leaves out. Pure.
std::string without_secrets(std::string text, const std::string& uri);

}  // namespace kongfleet::controller
