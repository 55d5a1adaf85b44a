// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/postgresql_state.hpp"

#include "controller/state_schema.hpp"
#include "proto/error.hpp"

#include <boost/algorithm/string/erase.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

namespace kongfleet::controller {

namespace {

constexpr auto pause = std::chrono::milliseconds(200);
constexpr const char* lock_not_available = "55P03";  // PostgreSQL's manual, "Error Codes"

using Parameter = std::pair<const char*, const char*>;

// libpq's that say when a silent server is given up, and which of several is the one to write to.
constexpr Parameter defaults[] = {
    {"connect_timeout", "10"},   {"keepalives_idle", "5"},      {"keepalives_interval", "3"},
    {"keepalives_count", "3"},   {"tcp_user_timeout", "15000"}, {"application_name", "kongfleet"},
    {"client_encoding", "UTF8"},
};

// The server's: a controller that is silent in the midst of a transaction keeps all others out, who
// wait a little longer than this.
constexpr const char* settings[] = {
    "SET idle_in_transaction_session_timeout = '15s'",
    "SET statement_timeout = '30s'",
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 3",
    "SET tcp_keepalives_count = 3",
    "SET client_min_messages = 'error'",
};

/// A connection URI as libpq reads it.
class ConnectionUri {
public:
  explicit ConnectionUri(const std::string& uri) {
    char* said = nullptr;  // quotes what it does not understand: it may be half of the password
    auto* options = ::PQconninfoParse(uri.c_str(), &said);
    ::PQfreemem(said);
    if (options == nullptr) return;
    for (auto* option = options; option->keyword != nullptr; ++option)
      if (option->val != nullptr) values_[option->keyword] = option->val;
    ::PQconninfoFree(options);
    // A '/' or '@' in a password makes these of the rest of it.
    is_known_ = part("port").find_first_not_of("0123456789,") == std::string::npos &&
                part("host").find('@') == std::string::npos &&
                part("dbname").find_first_of("@/") == std::string::npos;
  }
  bool is_known() const { return is_known_; }
  std::string part(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }
  /// As PQconnectdb takes it, with the defaults.
  std::string connection(StateMode mode) const {
    auto values = values_;
    for (const auto& [name, value] : defaults) values.emplace(name, value);
    if (mode == StateMode::Write) values.emplace("target_session_attrs", "read-write");
    std::string text;
    for (auto& [name, value] : values) {
      boost::replace_all(value, "\\", "\\\\");
      boost::replace_all(value, "'", "\\'");
      text += name + "='" + value + "' ";
    }
    return text;
  }

private:
  std::map<std::string, std::string> values_;
  bool is_known_ = false;
};

std::string connection_of(const std::string& uri, StateMode mode) {
  const ConnectionUri known(uri);
  if (known.is_known()) return known.connection(mode);
  throw Error(
      "it is no connection URI as psql takes it; write each '/', '@', ':', '?', '#', '&' and "
      "'%' within a name or password as '%' and two digits in hex");
}

// What is there, before anything is written: 0 for an empty schema. In this order: another
// controller may make the tables between the two questions.
int version_of(soci::session& sql) {
  const std::string tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
  if (count_of(sql, tables) == 0) return 0;
  if (count_of(sql, tables + " AND tablename = 'kongfleet_state'") == 1) return state_version(sql);
  throw Error("it is a database, but not of kongfleet; name another one as [fleet] state");
}

// libpq's sentences have lines, and may have the URI in them.
std::string sentence_at(const std::string& uri, const std::exception& error) {
  auto said = without_secrets(database_said(error), uri);
  std::replace(said.begin(), said.end(), '\n', ' ');
  boost::erase_all(said, "\t");
  boost::trim(said);
  return "state '" + shown_uri(uri) + "': " + said;
}

[[noreturn]] void fail_at(const std::string& uri, const std::exception& error) {
  throw Error(sentence_at(uri, error));
}

class PostgresqlState final : public StateBackend {
public:
  PostgresqlState(std::string uri, StateMode mode, StateSurroundings surroundings)
      : uri_(std::move(uri)), mode_(mode), surroundings_(std::move(surroundings)) {
    try {
      sql_.open(*soci::factory_postgresql(), connection_of(uri_, mode_));
      settle();
      look_or_make();
    } catch (const std::exception& error) {
      fail(error);
    }
  }
  soci::session& session() override { return sql_; }
  void begin(bool writes) override;
  [[noreturn]] void fail(const std::exception& error) const override { fail_at(uri_, error); }

private:
  void settle();
  void look_or_make();
  void begin_anew(const char* statement);
  void reconnect(const soci::soci_error& lost);
  bool lock(std::chrono::milliseconds patience);
  std::string who_locks();

  std::string uri_;
  StateMode mode_;
  StateSurroundings surroundings_;
  soci::session sql_;
};

// Of a connection, and so of each that is made anew.
void PostgresqlState::settle() {
  for (const auto* setting : settings) sql_ << setting;
  std::string encoding, synchronous;
  sql_ << "SHOW server_encoding", soci::into(encoding);
  if (encoding != "UTF8" && encoding != "SQL_ASCII") {
    throw Error("its encoding is " + encoding +
                ", which has not all characters; name one in UTF8 as [fleet] state");
  }
  sql_ << "SHOW synchronous_commit", soci::into(synchronous);
  if (synchronous == "off") sql_ << "SET synchronous_commit = 'on'";
  if (mode_ == StateMode::Look) sql_ << "SET default_transaction_read_only = on";
}

void PostgresqlState::look_or_make() {
  const auto version = version_of(sql_);
  refuse_newer_state(version, "another database");
  if (version != 0) return;
  if (mode_ == StateMode::Look) throw Error("nobody has remembered anything in it yet");
  sql_ << "BEGIN";
  // One controller makes it; who came at the same time finds it made.
  sql_ << "SELECT pg_advisory_xact_lock(hashtext('kongfleet'))";
  if (version_of(sql_) == 0) make_state(sql_);
  sql_ << "COMMIT";
}

// Only the first statement shows that the connection was lost.
void PostgresqlState::begin_anew(const char* statement) {
  try {
    sql_ << statement;
  } catch (const soci::soci_error& error) {
    reconnect(error);
    sql_ << statement;
  }
}

// A server that is started anew, or another one in its place, takes some seconds.
void PostgresqlState::reconnect(const soci::soci_error& lost) {
  const auto began = std::chrono::steady_clock::now();
  bool told = false;
  while (true) {
    try {
      sql_.reconnect();
      return settle();
    } catch (const soci::soci_error&) {
      const auto waited = std::chrono::steady_clock::now() - began;
      if (waited >= surroundings_.patience) throw;
      if (!told && surroundings_.tell && waited >= state_silence) {
        told = true;
        surroundings_.tell(sentence_at(uri_, lost) + "; tries again, " +
                           seconds_text(surroundings_.patience) + " at most");
      }
    }
    std::this_thread::sleep_for(pause);
  }
}

void PostgresqlState::begin(bool writes) {
  if (!writes) return begin_anew("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto patience = surroundings_.patience;
  const auto quiet = std::min<std::chrono::milliseconds>(patience, state_silence);
  if (lock(quiet)) return;
  const auto state = "state '" + shown_uri(uri_) + "'";
  if (patience > quiet) {
    if (surroundings_.tell) surroundings_.tell(waits_text(state, who_locks(), patience));
    if (lock(patience - quiet)) return;
  }
  fail_locked(state, who_locks());
}

// Begins the transaction of the only one who writes: who reads needs no lock. False where somebody
// else keeps it.
bool PostgresqlState::lock(std::chrono::milliseconds patience) {
  begin_anew("BEGIN ISOLATION LEVEL READ COMMITTED");
  try {
    sql_ << "SET LOCAL lock_timeout = " << patience.count();
    sql_ << "LOCK TABLE kongfleet_state IN EXCLUSIVE MODE";
    return true;
  } catch (const soci::postgresql_soci_error& error) {
    const bool late = error.sqlstate() == lock_not_available;
    sql_ << "ROLLBACK";
    if (!late) throw;
  }
  return false;
}

// Empty where it was let go meanwhile. Of other users the server tells nothing but the process.
std::string PostgresqlState::who_locks() {
  std::string who;
  sql_ << "SELECT coalesce(application_name, 'somebody') || coalesce(' at ' || host(client_addr),"
          " '') || ', process ' || pid || ' of the server' FROM pg_stat_activity WHERE pid IN"
          " (SELECT pid FROM pg_locks WHERE granted AND mode = 'ExclusiveLock' AND relation ="
          " to_regclass('kongfleet_state')) LIMIT 1",
      soci::into(who);
  return who;
}

}  // namespace

std::string shown_uri(const std::string& uri) {
  const ConnectionUri known(uri);
  if (!known.is_known()) return "postgresql://…";
  const auto user = known.part("user");
  auto port = known.part("port");
  if (port.find_first_not_of(',') == std::string::npos) port.clear();  // of several hosts, no one's
  return "postgresql://" + user + (user.empty() ? "" : "@") + known.part("host") +
         (port.empty() ? "" : ":" + port) + "/" + known.part("dbname");
}

std::string without_secrets(std::string text, const std::string& uri) {
  const ConnectionUri known(uri);
  for (const auto* secret : {"password", "sslpassword"})
    if (const auto value = known.part(secret); !value.empty())
      boost::replace_all(text, value, "***");
  return text;
}

std::unique_ptr<StateBackend> open_postgresql_state(const std::string& uri, StateMode mode,
                                                    StateSurroundings surroundings) {
  return std::make_unique<PostgresqlState>(uri, mode, std::move(surroundings));
}

bool postgresql_state_exists(const std::string& uri) {
  try {
    soci::session sql(*soci::factory_postgresql(), connection_of(uri, StateMode::Look));
    return version_of(sql) != 0;
  } catch (const std::exception& error) {
    fail_at(uri, error);
  }
}

}  // namespace kongfleet::controller
