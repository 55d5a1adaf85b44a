// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_hold.hpp"

#include "controller/clock.hpp"
#include "controller/declined.hpp"
#include "controller/durations.hpp"
#include "controller/exit_code.hpp"
#include "controller/moment.hpp"
#include "controller/ousted.hpp"

#include <soci/soci.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace kongfleet::controller {

namespace {

constexpr std::int64_t unheard_ms_max = 60'000;
constexpr std::chrono::milliseconds look_every{200};

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The boot and the namespace that process numbers have a meaning in.
std::string this_machine() {
  std::error_code none;
  const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", none);
  return first_line("/proc/sys/kernel/random/boot_id") + " " + space.string();
}

// "1234 567890": /proc/PID/stat's field 22 tells two processes of one number apart. Empty for a
// process that is not there, or that /proc hides.
std::string process_text(const std::string& number) {
  const auto stat = first_line("/proc/" + number + "/stat");
  const auto name_end = stat.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return "";
  std::istringstream fields(stat.substr(name_end + 1));
  constexpr int before_start = 19;  // fields 3 to 21
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return number + " dead";  // only not buried yet
  for (int i = 1; i < before_start; ++i) fields >> field;
  fields >> field;
  return number + " " + field;
}

std::optional<Holder> read_holder(soci::session& sql, const std::string& fleet) {
  Holder holder;
  sql << "SELECT who, doing, machine, process, since_ms, renewed_ms FROM holders"
         " WHERE fleet = :fleet",
      soci::into(holder.who), soci::into(holder.doing), soci::into(holder.machine),
      soci::into(holder.process), soci::into(holder.since_ms), soci::into(holder.renewed_ms),
      soci::use(fleet);
  if (!sql.got_data()) return std::nullopt;
  return holder;
}

void write_holder(soci::session& sql, const std::string& fleet, const Holder& holder) {
  sql << "DELETE FROM holders WHERE fleet = :fleet", soci::use(fleet);
  sql << "INSERT INTO holders (fleet, who, doing, machine, process, since_ms, renewed_ms)"
         " VALUES (:fleet, :who, :doing, :machine, :process, :since, :renewed)",
      soci::use(fleet), soci::use(holder.who), soci::use(holder.doing), soci::use(holder.machine),
      soci::use(holder.process), soci::use(holder.since_ms), soci::use(holder.renewed_ms);
}

bool same_process(const Holder& one, const Holder& other) {
  return one.machine == other.machine && one.process == other.process;
}

}  // namespace

Holder this_holder(const std::string& who, const std::string& doing) {
  const auto now = wall_clock_ms();
  return {who, doing, this_machine(), process_text(std::to_string(::getpid())), now, now};
}

bool lives(const Holder& holder, std::int64_t now_ms) {
  if (holder.machine == this_machine()) {
    const auto number = holder.process.substr(0, holder.process.find(' '));
    if (number.empty()) return false;
    const auto now = process_text(number);
    if (!now.empty()) return now == holder.process;
    // Where /proc hides other people's processes, it may be there all the same.
    if (::kill(std::atoi(number.c_str()), 0) != 0 && errno == ESRCH) return false;
  }
  // In the future: the clock was set back since, and says nothing.
  return std::abs(now_ms - holder.renewed_ms) < unheard_ms_max;
}

std::optional<Holder> holder_of(StateDatabase& database, const std::string& fleet) {
  std::optional<Holder> holder;
  database.look([&](soci::session& sql) { holder = read_holder(sql, fleet); });
  return holder;
}

// What a holder does ends with the ID of its rollout.
std::string running_rollout(StateDatabase& database, const std::string& fleet) {
  const auto holder = holder_of(database, fleet);
  if (!holder || !lives(*holder, wall_clock_ms())) return "";
  return holder->doing.substr(holder->doing.rfind(' ') + 1);
}

FleetHold::FleetHold(StateDatabase& database, std::string fleet, Holder me, Manner manner,
                     std::chrono::milliseconds listen)
    : database_(database), fleet_(std::move(fleet)), me_(std::move(me)) {
  const bool heard = manner == Manner::Polite && is_heard(listen);
  std::optional<Holder> other;
  database_.together([&](soci::session& sql) {
    other = read_holder(sql, fleet_);
    const bool alive = other && (heard || lives(*other, wall_clock_ms()));
    if (other && (same_process(*other, me_) || !alive)) other.reset();
    if (!other || manner == Manner::BreakGlass) write_holder(sql, fleet_, me_);
  });
  if (manner == Manner::BreakGlass) {
    ousted_ = other;
  } else if (other) {
    throw Declined(exit_code::held, other->who + " holds this fleet since " +
                                        time_text(other->since_ms) + ": " + other->doing +
                                        "; try again when it is done");
  }
}

// Where a run is simulated the clocks are right, and nothing sleeps.
bool FleetHold::is_heard(std::chrono::milliseconds listen) {
  if (Clock::source != nullptr) return false;
  const auto other = holder_of(database_, fleet_);
  if (!other || other->machine == this_machine() || lives(*other, wall_clock_ms())) return false;
  database_.tell(other->who + ", elsewhere, holds this fleet and was not heard of for a minute: " +
                 other->doing + "; listening for it, " + text_of(listen) + " at most");
  const auto until = Clock::now() + listen;
  while (Clock::now() < until) {
    std::this_thread::sleep_for(std::min(look_every, listen));
    const auto now = holder_of(database_, fleet_);
    if (!now) return false;
    if (*now != *other) return true;
  }
  return false;
}

FleetHold::~FleetHold() {
  try {
    database_.together([&](soci::session& sql) {
      sql << "DELETE FROM holders WHERE fleet = :fleet AND machine = :machine AND process = "
             ":process",
          soci::use(fleet_), soci::use(me_.machine), soci::use(me_.process);
    });
  } catch (const Error&) {  // it is seen to be dead: our process ends
  }
}

void FleetHold::check(soci::session& sql) const {
  const auto other = read_holder(sql, fleet_);
  if (other && !same_process(*other, me_))
    throw Ousted("taken over by " + other->who + ": " + other->doing);
  // It was taken by somebody who is done already.
  if (!other) throw Ousted("taken over by somebody who is done meanwhile");
}

void FleetHold::renew() {
  me_.renewed_ms = wall_clock_ms();
  database_.together([&](soci::session& sql) {
    check(sql);
    write_holder(sql, fleet_, me_);
  });
}

}  // namespace kongfleet::controller
