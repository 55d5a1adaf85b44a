// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace soci {
class session;
}

namespace kongfleet::controller {

/// The database a controller remembers in: [fleet] state. Whatever dies, it is as it was after one
/// of the deeds that were done `together`, and what such a deed wrote is on disk when it returns.
/// Used from one thread.
class StateDatabase {
public:
  enum class Mode {
    Write,  // made where there is none
    Look,   // must be there; nothing is written
  };

  /// `location` as Fleet::state has it. Throws Error, with advice, when there is no such file to
  /// look at, when it cannot be opened, is of another program or of a newer kongfleet: it is left
  /// untouched then.
  StateDatabase(const std::string& location, Mode mode);
  ~StateDatabase();
  StateDatabase(const StateDatabase&) = delete;
  StateDatabase& operator=(const StateDatabase&) = delete;

  /// Does all that `deed` writes, or, when it throws, nothing of it. No other controller writes
  /// meanwhile. Throws Error "state 'FILE': why" for whatever the database says, and what `deed`
  /// throws.
  void together(const std::function<void(soci::session&)>& deed);
  /// The same for a deed that only reads: it sees one state of the whole.
  void look(const std::function<void(soci::session&)>& deed);

  const std::filesystem::path& file() const { return file_; }

private:
  void open(Mode mode);
  void run(const char* begin, const std::function<void(soci::session&)>& deed);

  std::filesystem::path file_;
  std::unique_ptr<soci::session> session_;
};

/// Whether there is something to look at.
bool state_exists(const std::string& location);

/// Now, in milliseconds since 1970: times are remembered so.
std::int64_t wall_clock_ms();

}  // namespace kongfleet::controller
