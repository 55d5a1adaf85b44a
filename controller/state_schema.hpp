// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace soci {
class session;
}

namespace kongfleet::controller {

/// The tables of a state, in the SQL that SQLite and PostgreSQL have in common, and where they
/// don't, in that of the session's. None of these begins or ends a transaction.

/// The version of the state that is in the table kongfleet_state.
int state_version(soci::session& sql);
/// Throws Error for a state that a newer kongfleet wrote. `another`: "another file", what can be
/// named instead.
void refuse_newer_state(int version, const std::string& another);
/// Makes them all.
void make_state(soci::session& sql);

/// Bytes as a column of text has them, and back: SQLite keeps any, PostgreSQL gets them in hex. An
/// empty text is always no bytes. Throws Error for what is none of these.
std::string text_of_bytes(const soci::session& sql, const std::string& bytes);
std::string bytes_of_text(const soci::session& sql, const std::string& text);

/// What a database says of a failure, without the statement and its values, which SOCI adds.
std::string database_said(const std::exception& error);

/// The one number that a query gives.
int count_of(soci::session& sql, const std::string& query);

}  // namespace kongfleet::controller
