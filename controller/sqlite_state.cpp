// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/sqlite_state.hpp"

#include "controller/state_schema.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace kongfleet::controller {

namespace {

constexpr auto pause = std::chrono::milliseconds(20);

// What is there, before anything is written: 0 for an empty file. In this order: another controller
// may make the tables between the two questions.
int version_of(soci::session& sql) {
  const std::string tables = "SELECT count(*) FROM sqlite_master";
  if (count_of(sql, tables) == 0) return 0;
  if (count_of(sql, tables + " WHERE name = 'kongfleet_state'") == 1) return state_version(sql);
  throw Error("it is a database, but not of kongfleet; name another file as [fleet] state");
}

void make(soci::session& sql) {
  sql << "BEGIN IMMEDIATE";
  if (version_of(sql) == 0) make_state(sql);  // or another controller made it meanwhile
  sql << "COMMIT";
}

class SqliteState final : public StateBackend {
public:
  SqliteState(std::filesystem::path file, StateMode mode, StateSurroundings surroundings)
      : file_(std::move(file)), surroundings_(std::move(surroundings)) {
    try {
      open(mode);
    } catch (const std::exception& error) {
      fail(error);
    }
  }
  soci::session& session() override { return *session_; }
  void begin(bool writes) override { *session_ << (writes ? "BEGIN IMMEDIATE" : "BEGIN"); }
  [[noreturn]] void fail(const std::exception& error) const override;

private:
  void open(StateMode mode);
  void refuse_shared_file_system() const;
  void refuse_without_rights(bool there) const;
  void make_file() const;
  /// SQLite asks when it finds the database locked, for the `times`-th time in a row: false gives
  /// up.
  bool wait(int times);

  std::filesystem::path file_;
  StateSurroundings surroundings_;
  std::unique_ptr<soci::session> session_;
  std::chrono::steady_clock::time_point waits_since_{};
  bool told_ = false;
};

// SQLite says of a lock only that there is one.
void SqliteState::fail(const std::exception& error) const {
  const auto state = "state '" + file_.string() + "'";
  const auto said = database_said(error);
  const bool locked = dynamic_cast<const soci::soci_error*>(&error) != nullptr &&
                      said.find("database is locked") != std::string::npos;
  if (!locked) throw Error(state + ": " + said);
  fail_locked(state, who_locks(file_));
}

void SqliteState::open(StateMode mode) {
  std::error_code closed;
  const bool there = std::filesystem::exists(file_, closed);
  if (closed) throw Error(closed.message());
  if (!there && mode == StateMode::Look) throw Error("there is no such file");
  if (file_.string().find('"') != std::string::npos) throw Error("a '\"' in its name won't do");
  refuse_shared_file_system();
  refuse_without_rights(there);
  if (!there) make_file();
  session_ = std::make_unique<soci::session>(*soci::factory_sqlite3(),
                                             "dbname=\"" + file_.string() + "\"");
  // It is what the factory makes; the library does not export its type for a dynamic_cast.
  auto& backend = static_cast<soci::sqlite3_session_backend&>(*session_->get_backend());
  const auto ask = [](void* self, int times) {
    return static_cast<SqliteState*>(self)->wait(times) ? 1 : 0;
  };
  sqlite_api::sqlite3_busy_handler(backend.conn_, ask, this);
  const auto version = version_of(*session_);
  refuse_newer_state(version, "another file");
  if (mode == StateMode::Look) {
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
void SqliteState::refuse_shared_file_system() const {
  const auto shared = shared_file_system(surroundings_.file_system(file_));
  if (!shared) return;
  throw Error("it is on a file system that other machines share (" + *shared +
              "), where SQLite's locks can't be trusted; name a file on a disk of this machine as "
              "[fleet] state, such as state = \"sqlite:/var/lib/kongfleet-controller/edge.db\" "
              "(move the file there while no kongfleet runs)");
}

// SQLite writes beside the file even to read it, and names neither of the two that it may not
// write.
void SqliteState::refuse_without_rights(bool there) const {
  const auto parent = file_.parent_path();
  for (const auto& path : {there ? file_ : parent, parent}) {
    const auto* name = path.empty() ? "." : path.c_str();
    const auto reason = ::eaccess(name, W_OK) == 0 ? 0 : errno;
    if (reason != EACCES && reason != EROFS) continue;
    throw Error("'" + std::string(name) + "' can't be written by uid " +
                std::to_string(::geteuid()) + " (" + std::generic_category().message(reason) +
                "), which even a look needs; run kongfleet as the user whose state it is, or open "
                "the file and its directory to a group of all who use it: chgrp GROUP, chmod g+rw "
                "(g+rwx for "
                "the directory)");
  }
}

// Hooks and webhooks are in it. SQLite's other files get the rights of this one. A directory that
// gives its group to what is made in it (set-group-ID, inode(7)) is shared on purpose.
void SqliteState::make_file() const {
  const auto parent = file_.parent_path();
  struct stat status {};
  const bool for_group = ::stat(parent.empty() ? "." : parent.c_str(), &status) == 0 &&
                         (status.st_mode & S_ISGID) != 0;
  const int file = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, for_group ? 0660 : 0600);
  if (file < 0) throw Error(std::generic_category().message(errno));
  ::close(file);
}

bool SqliteState::wait(int times) {
  const auto now = std::chrono::steady_clock::now();
  if (times == 0) {
    waits_since_ = now;
    told_ = false;
  }
  if (now - waits_since_ >= surroundings_.patience) return false;
  if (!told_ && surroundings_.tell && now - waits_since_ >= state_silence) {
    told_ = true;
    surroundings_.tell(
        waits_text("state '" + file_.string() + "'", who_locks(file_), surroundings_.patience));
  }
  std::this_thread::sleep_for(pause);
  return true;
}

}  // namespace

std::unique_ptr<StateBackend> open_sqlite_state(const std::filesystem::path& file, StateMode mode,
                                                StateSurroundings surroundings) {
  return std::make_unique<SqliteState>(file, mode, std::move(surroundings));
}

}  // namespace kongfleet::controller
