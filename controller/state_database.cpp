// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/state_database.hpp"

#include "controller/clock.hpp"
#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "controller/postgresql_state.hpp"
#include "controller/sqlite_state.hpp"

#include <soci/soci.h>
#include <time.h>

#include <system_error>

namespace kongfleet::controller {

namespace {

constexpr std::string_view sqlite_prefix = "sqlite:";

bool is_in_file(const std::string& location) { return location.starts_with(sqlite_prefix); }

std::string file_of(const std::string& location) { return location.substr(sqlite_prefix.size()); }

std::int64_t ms_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string named(const std::string& who) { return who.empty() ? "another process" : who; }

}  // namespace

std::string seconds_text(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

std::string waits_text(const std::string& state, const std::string& who,
                       std::chrono::milliseconds patience) {
  return state + " is locked by " + named(who) + "; waits for it, " + seconds_text(patience) +
         " at most";
}

void fail_locked(const std::string& state, const std::string& who) {
  throw Declined(exit_code::held,
                 state + " is locked by " + named(who) + "; try again when that one is done");
}

StateDatabase::StateDatabase(const std::string& location, Mode mode, Surroundings surroundings)
    : tell_(surroundings.tell),
      backend_(is_in_file(location)
                   ? open_sqlite_state(file_of(location), mode, std::move(surroundings))
                   : open_postgresql_state(location, mode, std::move(surroundings))) {}

StateDatabase::~StateDatabase() = default;

void StateDatabase::run(bool writes, const std::function<void(soci::session&)>& deed) {
  auto& sql = backend_->session();
  bool begun = false;
  try {
    backend_->begin(writes);
    begun = true;
    deed(sql);
    sql << "COMMIT";
  } catch (...) {
    try {
      if (begun) sql << "ROLLBACK";
    } catch (const soci::soci_error&) {  // the database has done it already
    }
    try {
      throw;
    } catch (const soci::soci_error& error) {
      backend_->fail(error);
    }
  }
}

void StateDatabase::together(const std::function<void(soci::session&)>& deed) { run(true, deed); }

void StateDatabase::look(const std::function<void(soci::session&)>& deed) { run(false, deed); }

bool state_exists(const std::string& location) {
  if (!is_in_file(location)) return postgresql_state_exists(location);
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
