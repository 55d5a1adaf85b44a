// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/state_database.hpp"

#include "controller/clock.hpp"
#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "proto/error.hpp"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace kongfleet::controller {

namespace {

constexpr int version_known = 1;
constexpr auto silence = std::chrono::seconds(1);  // then a person is told
constexpr auto pause = std::chrono::milliseconds(20);
constexpr std::string_view sqlite_prefix = "sqlite:";

// Bundles and outcomes are bytes; SOCI hands them over as text, and SQLite keeps any byte of it.
constexpr const char* schema[] = {
    "CREATE TABLE kongfleet_state (version INTEGER NOT NULL)",
    "CREATE TABLE holders (fleet TEXT PRIMARY KEY, who TEXT NOT NULL, doing TEXT NOT NULL,"
    " machine TEXT NOT NULL, process TEXT NOT NULL, since_ms BIGINT NOT NULL,"
    " renewed_ms BIGINT NOT NULL)",
    "CREATE TABLE releases (fleet TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,"
    " digest TEXT NOT NULL, rollout TEXT NOT NULL, at_ms BIGINT NOT NULL, bundle TEXT NOT NULL,"
    " PRIMARY KEY (fleet, name, version))",
    "CREATE TABLE rollouts (id TEXT PRIMARY KEY, fleet TEXT NOT NULL, kind TEXT NOT NULL,"
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
    "CREATE TABLE events (number INTEGER PRIMARY KEY, rollout TEXT NOT NULL,"
    " at_ms BIGINT NOT NULL, kind TEXT NOT NULL, host TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX events_of_rollout ON events (rollout)",
};

std::filesystem::path file_of(const std::string& location) {
  if (location.starts_with(sqlite_prefix)) return location.substr(sqlite_prefix.size());
  // The rest of it may hold a password.
  throw Error("state '" + location.substr(0, location.find(':')) +
              ":…': this kongfleet remembers in SQLite files only; write state = \"sqlite:FILE\" "
              "below [fleet], or leave it out");
}

int count(soci::session& sql, const std::string& query) {
  int number = 0;
  sql << query, soci::into(number);
  return number;
}

// What is there, before anything is written: 0 for an empty file.
int version_of(soci::session& sql) {
  const auto tables = "SELECT count(*) FROM sqlite_master";
  if (count(sql, std::string(tables) + " WHERE name = 'kongfleet_state'") == 1) {
    return count(sql, "SELECT version FROM kongfleet_state");
  }
  if (count(sql, tables) > 0) {
    throw Error("it is a database, but not of kongfleet; name another file as [fleet] state");
  }
  return 0;
}

void make(soci::session& sql) {
  sql << "BEGIN IMMEDIATE";
  if (version_of(sql) == 0) {  // or another controller made it meanwhile
    for (const auto* statement : schema) sql << statement;
    sql << "INSERT INTO kongfleet_state (version) VALUES (:version)", soci::use(version_known);
  }
  sql << "COMMIT";
}

std::int64_t ms_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

StateDatabase::StateDatabase(const std::string& location, Mode mode, Surroundings surroundings)
    : file_(file_of(location)), surroundings_(std::move(surroundings)) {
  try {
    open(mode);
  } catch (const std::exception& error) {
    fail(error);
  }
}

// SQLite says of a lock only that there is one.
void StateDatabase::fail(const std::exception& error) const {
  const auto state = "state '" + file_.string() + "'";
  const std::string said = error.what();
  const bool locked = dynamic_cast<const soci::soci_error*>(&error) != nullptr &&
                      said.find("database is locked") != std::string::npos;
  if (!locked) throw Error(state + ": " + said);
  const auto who = who_locks(file_);
  throw Declined(exit_code::held, state + " is locked by " +
                                      (who.empty() ? "another process" : who) +
                                      "; try again when that one is done");
}

StateDatabase::~StateDatabase() = default;

void StateDatabase::open(Mode mode) {
  std::error_code closed;
  const bool there = std::filesystem::exists(file_, closed);
  if (closed) throw Error(closed.message());
  if (!there && mode == Mode::Look) throw Error("there is no such file");
  if (file_.string().find('"') != std::string::npos) throw Error("a '\"' in its name won't do");
  refuse_shared_file_system();
  refuse_without_rights(there);
  session_ = std::make_unique<soci::session>(*soci::factory_sqlite3(),
                                             "dbname=\"" + file_.string() + "\"");
  // It is what the factory makes; the library does not export its type for a dynamic_cast.
  auto& backend = static_cast<soci::sqlite3_session_backend&>(*session_->get_backend());
  const auto ask = [](void* self, int times) {
    return static_cast<StateDatabase*>(self)->wait(times) ? 1 : 0;
  };
  sqlite_api::sqlite3_busy_handler(backend.conn_, ask, this);
  auto version = version_of(*session_);
  if (version > version_known) {
    throw Error("it was written by a newer kongfleet (version " + std::to_string(version) +
                " of the state, this one knows " + std::to_string(version_known) +
                "); upgrade kongfleet here, or name another file as [fleet] state; nothing was "
                "changed");
  }
  if (mode == Mode::Look) {
    *session_ << "PRAGMA query_only = 1";
    return;
  }
  std::string journal;
  *session_ << "PRAGMA journal_mode = WAL", soci::into(journal);
  *session_ << "PRAGMA synchronous = FULL";
  if (version == 0) make(*session_);
}

// In WAL mode, SQLite's readers and writers share memory, which machines don't; and locks over a
// network are as good as its worst server.
void StateDatabase::refuse_shared_file_system() const {
  const auto shared = shared_file_system(surroundings_.file_system(file_));
  if (!shared) return;
  throw Error("it is on a file system that other machines share (" + *shared +
              "), where SQLite's locks can't be trusted; name a file on a disk of this machine as "
              "[fleet] state, such as state = \"sqlite:/var/lib/kongfleet-controller/edge.db\" "
              "(move the file there while no kongfleet runs)");
}

// SQLite writes beside the file even to read it, and names neither of the two that it may not
// write.
void StateDatabase::refuse_without_rights(bool there) const {
  const auto parent = file_.parent_path();
  for (const auto& path : {there ? file_ : parent, parent}) {
    const auto* name = path.empty() ? "." : path.c_str();
    const auto reason = ::eaccess(name, W_OK) == 0 ? 0 : errno;
    if (reason != EACCES && reason != EROFS) continue;
    throw Error("'" + std::string(name) + "' can't be written by uid " +
                std::to_string(::geteuid()) + " (" + std::generic_category().message(reason) +
                "), which even a look needs; run kongfleet as the user whose state it is, or open "
                "the file and its directory to a group of all who use it: chgrp GROUP, chmod g+w");
  }
}

bool StateDatabase::wait(int times) {
  const auto now = std::chrono::steady_clock::now();
  if (times == 0) {
    waits_since_ = now;
    told_ = false;
  }
  if (now - waits_since_ >= surroundings_.patience) return false;
  if (!told_ && now - waits_since_ >= silence) {
    told_ = true;
    const auto who = who_locks(file_);
    tell("state '" + file_.string() + "' is locked by " + (who.empty() ? "another process" : who) +
         "; waits for it, " +
         std::to_string(std::chrono::ceil<std::chrono::seconds>(surroundings_.patience).count()) +
         " s at most");
  }
  std::this_thread::sleep_for(pause);
  return true;
}

void StateDatabase::run(const char* begin, const std::function<void(soci::session&)>& deed) {
  bool begun = false;
  try {
    *session_ << begin;
    begun = true;
    deed(*session_);
    *session_ << "COMMIT";
  } catch (...) {
    try {
      if (begun) *session_ << "ROLLBACK";
    } catch (const soci::soci_error&) {  // the database has done it already
    }
    try {
      throw;
    } catch (const soci::soci_error& error) {
      fail(error);
    }
  }
}

void StateDatabase::together(const std::function<void(soci::session&)>& deed) {
  run("BEGIN IMMEDIATE", deed);
}

void StateDatabase::look(const std::function<void(soci::session&)>& deed) { run("BEGIN", deed); }

bool state_exists(const std::string& location) {
  std::error_code none;
  return std::filesystem::exists(file_of(location), none);
}

std::int64_t wall_clock_ms() {
  if (Clock::source != nullptr) return Clock::source->wall_ms();
  // The wall clock is read once, whatever it is set to later.
  static const auto booted_ms = ms_of(CLOCK_REALTIME) - ms_of(CLOCK_BOOTTIME);
  return booted_ms + ms_of(CLOCK_BOOTTIME);
}

}  // namespace kongfleet::controller
