// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/state_schema.hpp"

#include "proto/error.hpp"

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <soci/soci.h>

#include <iterator>

namespace kongfleet::controller {

namespace {

constexpr int version_known = 1;

// SERIAL: a primary key that counts by itself. ROWID: SQLite's rows have a number of their own.
constexpr const char* schema[] = {
    "CREATE TABLE kongfleet_state (version INTEGER NOT NULL)",
    "CREATE TABLE holders (fleet TEXT PRIMARY KEY, who TEXT NOT NULL, doing TEXT NOT NULL,"
    " machine TEXT NOT NULL, process TEXT NOT NULL, since_ms BIGINT NOT NULL,"
    " renewed_ms BIGINT NOT NULL)",
    "CREATE TABLE releases (fleet TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,"
    " digest TEXT NOT NULL, rollout TEXT NOT NULL, at_ms BIGINT NOT NULL, bundle TEXT NOT NULL,"
    " PRIMARY KEY (fleet, name, version))",
    "CREATE TABLE rollouts (ROWIDid TEXT PRIMARY KEY, fleet TEXT NOT NULL, kind TEXT NOT NULL,"
    " who TEXT NOT NULL, started_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL,"
    " selection TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL, stop TEXT NOT NULL,"
    " why TEXT NOT NULL, exit_code INTEGER NOT NULL)",
    "CREATE INDEX rollouts_by_time ON rollouts (fleet, started_ms)",
    "CREATE TABLE rollout_releases (rollout TEXT NOT NULL, name TEXT NOT NULL,"
    " version TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (rollout, name))",
    "CREATE TABLE hosts (rollout TEXT NOT NULL, position INTEGER NOT NULL, host TEXT NOT NULL,"
    " wave INTEGER NOT NULL, attempt INTEGER NOT NULL, phase TEXT NOT NULL,"
    " started_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL, cause TEXT NOT NULL,"
    " outcome TEXT NOT NULL, way_back TEXT NOT NULL, PRIMARY KEY (rollout, position))",
    "CREATE TABLE events (number SERIAL, rollout TEXT NOT NULL,"
    " at_ms BIGINT NOT NULL, kind TEXT NOT NULL, host TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX events_of_rollout ON events (rollout)",
};

bool is_sqlite(const soci::session& sql) { return sql.get_backend_name() == "sqlite3"; }

}  // namespace

std::string database_said(const std::exception& error) {
  const auto* said = dynamic_cast<const soci::soci_error*>(&error);
  return said == nullptr ? error.what() : said->get_error_message();
}

int count_of(soci::session& sql, const std::string& query) {
  int number = 0;
  sql << query, soci::into(number);
  return number;
}

int state_version(soci::session& sql) {
  return count_of(sql, "SELECT version FROM kongfleet_state");
}

void refuse_newer_state(int version, const std::string& another) {
  if (version <= version_known) return;
  throw Error("it was written by a newer kongfleet (version " + std::to_string(version) +
              " of the state, this one knows " + std::to_string(version_known) +
              "); upgrade kongfleet here, or name " + another +
              " as [fleet] state; nothing was changed");
}

void make_state(soci::session& sql) {
  const bool sqlite = is_sqlite(sql);
  for (const std::string statement : schema) {
    auto here = boost::replace_all_copy(statement, "SERIAL",
                                        sqlite ? "INTEGER PRIMARY KEY" : "BIGSERIAL PRIMARY KEY");
    boost::replace_all(here, "ROWID", sqlite ? "" : "rowid BIGSERIAL, ");
    sql << here;
  }
  sql << "INSERT INTO kongfleet_state (version) VALUES (:version)", soci::use(version_known);
}

std::string text_of_bytes(const soci::session& sql, const std::string& bytes) {
  if (is_sqlite(sql)) return bytes;
  std::string text;
  text.reserve(bytes.size() * 2);
  boost::algorithm::hex_lower(bytes, std::back_inserter(text));
  return text;
}

std::string bytes_of_text(const soci::session& sql, const std::string& text) {
  if (is_sqlite(sql)) return text;
  try {
    return boost::algorithm::unhex(text);
  } catch (const boost::algorithm::hex_decode_error&) {
    throw Error("what was remembered in hex is none: somebody else wrote into it");
  }
}

}  // namespace kongfleet::controller
