// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/state_file_system.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace soci {
class session;
}

namespace kongfleet::controller {

/// Says a sentence to a person who waits.
using Tell = std::function<void(const std::string&)>;

/// The database a controller remembers in: [fleet] state. Whatever dies, it is as it was after one
/// of the deeds that were done `together`, and what such a deed wrote is on disk when it returns.
/// Used from one thread.
class StateDatabase {
public:
  enum class Mode {
    Write,  // made where there is none
    Look,   // must be there; nothing is written
  };

  struct Surroundings {
    /// Is told when a second has gone by and the database is still locked: who has it, if known.
    Tell tell = {};
    /// statfs(2)'s f_type for a path.
    std::int64_t (*file_system)(const std::filesystem::path& file) = file_system_type;
    /// How long a lock of another process is waited for.
    std::chrono::milliseconds patience = std::chrono::seconds(20);
  };

  /// `location` as Fleet::state has it. Throws Error, with advice, when there is no such file to
  /// look at, when it cannot be opened, lies on a file system that other machines share, is of
  /// another program or of a newer kongfleet: it is left untouched then. Declined (exit 75) when
  /// another process keeps it locked.
  StateDatabase(const std::string& location, Mode mode, Surroundings surroundings);
  StateDatabase(const std::string& location, Mode mode) : StateDatabase(location, mode, {}) {}
  ~StateDatabase();
  StateDatabase(const StateDatabase&) = delete;
  StateDatabase& operator=(const StateDatabase&) = delete;

  /// Does all that `deed` writes, or, when it throws, nothing of it. No other controller writes
  /// meanwhile. Throws Error "state 'FILE': why" for whatever the database says, Declined as above,
  /// and what `deed` throws.
  void together(const std::function<void(soci::session&)>& deed);
  /// The same for a deed that only reads: it sees one state of the whole.
  void look(const std::function<void(soci::session&)>& deed);

  const std::filesystem::path& file() const { return file_; }
  /// Tells Surroundings::tell why there is a wait.
  void tell(const std::string& why) const {
    if (surroundings_.tell) surroundings_.tell(why);
  }

private:
  void open(Mode mode);
  void refuse_shared_file_system() const;
  void refuse_without_rights(bool there) const;
  /// SQLite asks when it finds the database locked, for the `times`-th time in a row: false gives
  /// up.
  bool wait(int times);
  [[noreturn]] void fail(const std::exception& error) const;
  void run(const char* begin, const std::function<void(soci::session&)>& deed);

  std::filesystem::path file_;
  Surroundings surroundings_;
  std::unique_ptr<soci::session> session_;
  std::chrono::steady_clock::time_point waits_since_{};
  bool told_ = false;
};

/// Whether there is something to look at.
bool state_exists(const std::string& location);

/// Now, in milliseconds since 1970: times are remembered so. In one process they never go back,
/// whatever is set meanwhile: the wall clock is read once, CLOCK_BOOTTIME from then on.
std::int64_t wall_clock_ms();

}  // namespace kongfleet::controller
