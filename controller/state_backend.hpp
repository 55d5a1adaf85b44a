// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/state_file_system.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
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

enum class StateMode {
  Write,  // made where there is none
  Look,   // must be there; nothing is written
};

struct StateSurroundings {
  /// Is told when a second has gone by and the database is still locked: who has it, if known.
  Tell tell = {};
  /// statfs(2)'s f_type for a path.
  std::int64_t (*file_system)(const std::filesystem::path& file) = file_system_type;
  /// How long a lock of another process is waited for.
  std::chrono::milliseconds patience = std::chrono::seconds(20);
};

/// What of a state differs with its kind of database. Open, and known to be a state of ours that
/// this version can read.
class StateBackend {
public:
  StateBackend() = default;
  virtual ~StateBackend() = default;
  StateBackend(const StateBackend&) = delete;
  StateBackend& operator=(const StateBackend&) = delete;

  virtual soci::session& session() = 0;
  /// Begins a transaction of one who `writes`, beside whom no other does, or of one who only reads
  /// and sees one state of the whole. Throws soci_error.
  virtual void begin(bool writes) = 0;
  /// Throws what a person is to be told of that: Error "state 'NAME': why", or Declined (exit 75)
  /// where another process keeps the database locked.
  [[noreturn]] virtual void fail(const std::exception& error) const = 0;
};

/// How long a wait for a lock may last before a person is told.
constexpr auto state_silence = std::chrono::seconds(1);

/// "20 s", never too few.
std::string seconds_text(std::chrono::milliseconds time);

/// `who` locks a state, empty where nobody knows, and is waited for.
std::string waits_text(const std::string& state, const std::string& who,
                       std::chrono::milliseconds patience);
/// And does not let go of it. Throws Declined.
[[noreturn]] void fail_locked(const std::string& state, const std::string& who);

}  // namespace kongfleet::controller
