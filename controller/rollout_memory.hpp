// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/release.hpp"
#include "controller/rollout.hpp"
#include "controller/state_database.hpp"
#include "proto/kongfleet.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

class FleetHold;

/// Where a rollout (or sync, or rollback) stands as a whole. Those that are not over keep others
/// from beginning, until they are gone on with or aborted.
enum class RolloutState {
  Open,         // it runs, or its controller died
  Paused,       // not over: a person is to look
  Interrupted,  // not over: a person stopped it
  Ended,
  Aborted,
};
std::string_view state_name(RolloutState state);
bool is_over(RolloutState state);

struct RememberedRelease {
  std::string name;
  std::string version;
  std::string digest;
};

/// Never negative, and 0 where one of them is 0, unknown.
constexpr std::int64_t ms_between(std::int64_t started_ms, std::int64_t ended_ms) {
  return started_ms == 0 || ended_ms < started_ms ? 0 : ended_ms - started_ms;
}

struct RememberedHost {
  std::string label;
  std::size_t wave = 0;
  unsigned attempt = 1;  // counts its transactions in this rollout
  HostPhase phase = HostPhase::Waiting;
  std::int64_t started_ms = 0;            // 0: nothing was done to it in this attempt
  std::int64_t ended_ms = 0;              // of the last phase
  std::string cause;                      // why it is where it should not be
  std::optional<wire::Outcome> outcome;   // of its transaction
  std::optional<wire::Outcome> way_back;  // of the rollback of what was confirmed

  /// From beginning to end; 0 where either is unknown, or says less than nothing: another
  /// controller, by another clock, may have ended it.
  std::int64_t took_ms() const { return ms_between(started_ms, ended_ms); }
  /// Not waiting for its turn, be it once more: hosts that were let go before they changed are.
  bool is_begun() const { return started_ms != 0 && phase != HostPhase::Waiting; }
  /// It went back, and a probe fails there or comes to no verdict: none holds up a rollback.
  bool came_back_unwell() const;
};

struct RememberedRollout {
  std::string id;
  std::string kind;  // "rollout", "sync", "rollback"
  std::string who;
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;  // 0: never ended
  std::string selection;      // as typed; empty: the whole fleet
  std::string plan;           // rollout_plan.hpp; empty for a rollback
  RolloutState state = RolloutState::Open;
  RolloutStop stop = RolloutStop::No;
  std::string why;
  int exit_code = 0;  // once it ended
  std::vector<RememberedRelease> releases;
  std::vector<RememberedHost> hosts;  // in the order they go; empty in a list
  std::size_t hosts_ok = 0;
  std::size_t hosts_failed = 0;
  std::size_t hosts_all = 0;

  /// As that of a host.
  std::int64_t took_ms() const { return ms_between(started_ms, ended_ms); }
};
/// What a person can do with one that is not over, and that no controller is at: the command, and
/// what it does.
std::string way_on(const RememberedRollout& rollout);
std::string way_back(const RememberedRollout& rollout);

struct RememberedEvent {
  std::int64_t at_ms = 0;
  std::string kind;
  std::string host;  // empty: of the whole
  std::string text;
};

/// What changed since it was written last.
struct RolloutNews {
  std::vector<std::pair<std::size_t, RememberedHost>> hosts;  // by position
  std::vector<RememberedEvent> events;
};

/// Every rollout of a fleet. All throw Error when the database fails.
class RolloutMemory {
public:
  RolloutMemory(StateDatabase& database, std::string fleet)
      : database_(database), fleet_(std::move(fleet)) {}

  /// Remembers a new one with all its hosts and releases. Throws Declined as check_none_open and
  /// ReleaseMemory::check do; with `alone` false only the latter. Throws Ousted where the `hold` it
  /// is to be carried out under was taken away meanwhile.
  void begin(const RememberedRollout& rollout, const std::vector<Release>& releases,
             bool alone = true, const FleetHold* hold = nullptr);
  /// The one that is not over, if any.
  std::optional<RememberedRollout> open();
  /// Throws Declined (exit 75) that names the one that is not over, and what can be done with it.
  void check_none_open();

  /// The newest first, without their hosts.
  std::vector<RememberedRollout> list(std::size_t limit);
  enum class Evidence { With, Without };  // of its hosts: their outcomes
  /// By its ID or "latest". Throws Declined (exit 1) that names the newest ones.
  RememberedRollout find(const std::string& id, Evidence evidence = Evidence::With);
  std::vector<RememberedEvent> events(const std::string& id);

  /// Throws Ousted as write() does.
  void check_ours(const RememberedRollout& rollout, const FleetHold& hold);
  /// Writes how it stands. One that is over stays as it is: somebody else may have ended it. With
  /// the `hold` it is carried out under, throws Ousted where that was taken away or somebody ended
  /// the rollout: nothing is written then.
  void write(const RememberedRollout& rollout, const RolloutNews& news,
             const FleetHold* hold = nullptr);
  /// The same at its end; what was kept only to go on with it goes.
  void end(const RememberedRollout& rollout, const RolloutNews& news,
           const FleetHold* hold = nullptr);

private:
  StateDatabase& database_;
  std::string fleet_;
};

}  // namespace kongfleet::controller
