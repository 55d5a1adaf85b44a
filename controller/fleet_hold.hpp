// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/state_database.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace kongfleet::controller {

/// A controller that changes a fleet, or did when it died.
struct Holder {
  std::string who;      // "ops@deploy-1"
  std::string doing;    // "rollout rollout-20261123T101500-3fa9"
  std::string machine;  // this boot of this machine, as processes here see it
  std::string process;  // its number and when it started: numbers come again
  std::int64_t since_ms = 0;
  std::int64_t renewed_ms = 0;
  bool operator==(const Holder&) const = default;
};

/// This process.
Holder this_holder(const std::string& who, const std::string& doing);

/// Whether a holder lives still, as far as one can know. On this machine: whether its process is
/// there. On another one: whether it was heard of within the last minute, by the clocks of both.
bool lives(const Holder& holder, std::int64_t now_ms);

/// Who has the right to change a fleet, alive or dead; nothing: nobody.
std::optional<Holder> holder_of(StateDatabase& database, const std::string& fleet);
/// The ID of the rollout (or bootstrap, …) that a living controller is at; empty: none is.
std::string running_rollout(StateDatabase& database, const std::string& fleet);

/// A holder renews at least every ten seconds.
constexpr std::chrono::seconds unheard_for{15};

/// The right to change a fleet, which one controller has at a time; given back at the end.
class FleetHold {
public:
  enum class Manner {
    Polite,     // only where nobody alive has it
    BreakGlass  // whoever has it
  };
  /// Throws Declined (exit 75) that says who has it, since when and doing what. A holder on another
  /// machine that seems dead is listened for as long as `listen` first, by our steady clock: the
  /// two wall clocks may differ, or be set.
  FleetHold(StateDatabase& database, std::string fleet, Holder me, Manner manner,
            std::chrono::milliseconds listen = unheard_for);
  ~FleetHold();
  FleetHold(const FleetHold&) = delete;
  FleetHold& operator=(const FleetHold&) = delete;

  /// Tells those elsewhere that we live. Throws Ousted when it was taken from us, Error when the
  /// state cannot be written.
  void renew();
  /// Throws Ousted when it was taken from us; for a deed that is done `together`, which then writes
  /// nothing.
  void check(soci::session& sql) const;
  /// Whom it was taken from alive, with BreakGlass.
  const std::optional<Holder>& ousted() const { return ousted_; }

private:
  bool is_heard(std::chrono::milliseconds listen);
  StateDatabase& database_;
  std::string fleet_;
  Holder me_;
  std::optional<Holder> ousted_;
};

}  // namespace kongfleet::controller
