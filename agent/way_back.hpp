// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ballast.hpp"
#include "agent/host.hpp"
#include "agent/journal.hpp"
#include "agent/live_file.hpp"
#include "agent/outcome.hpp"
#include "agent/trust.hpp"

#include <chrono>
#include <string>

namespace kongfleet::agent {

/// What a transaction works with; all of it must outlive it.
struct TransactionParts {
  const Config& config;
  Gateway& gateway;
  const GenerationStore& store;
  const Host& host;
  Journal& journal;
  const Ballast& ballast;
  const Trust& trust;
};

/// Who finds that a transaction must go back, and when.
enum class Witness {
  Live,        // the agent that carried it out
  AfterDeath,  // the agent that comes after: Kong may have read anything by now
  BeforeKong,  // the one at boot: Kong starts only afterwards
};

/// Waits for a Kong that is being restarted, or started, at most until `deadline`; for one that is
/// not to be seen, ten seconds. `facts`: as inspect() has just given them. What it gives where Kong
/// can't be asked to reload: Kong starts with the kong.conf that is there now. Throws what
/// inspect() throws.
GatewayFacts await_kong(Gateway& gateway, GatewayFacts facts,
                        std::chrono::steady_clock::time_point deadline);
/// Whether Kong can be asked to reload: it runs, and is not about to end.
bool reloads(const GatewayFacts& facts);

/// Takes the open transaction of the journal back: restore, reload, verify. The same for a deploy
/// that failed, a trial that nobody confirmed and an agent that died, at any point, however often:
/// it looks at what is, not at what was planned. It needs no network, no new file and no free block
/// (P5); for what a person edited in the meantime, and for Kong, the ballast is there. A generation
/// that was tampered with is gone back to all the same, which is told.
class WayBack {
public:
  /// Appends what it does to `outcome`. `limit` is for the whole way.
  WayBack(TransactionParts parts, Outcome& outcome, const ProgressSink& progress,
          std::chrono::milliseconds limit);
  /// `failed`: the step that went wrong, or was under way when the agent died. The journal has an
  /// open transaction. Returns RolledBack or Stranded; the journal says so too, and a stranded
  /// transaction stays open in it.
  Step run(Step failed, const std::string& cause, Witness witness);

private:
  using Clock = std::chrono::steady_clock;
  Went perform(Step step, std::string& detail);
  std::string restore();
  std::string reload();
  std::string verify();
  bool look_at_boot();
  bool bring_back_edit(const LiveFile& conf, const OpenRecord& open, const std::string& now) const;
  bool restore_exactly(const LiveFile& conf, const OpenRecord& open, const std::string& now) const;
  std::string damage() const;
  void make_known();
  bool stays(const LiveFile& conf, const std::string& text) const;
  bool restore_edited(const LiveFile& conf, const std::string& text) const;
  bool remember(Step step, const std::string& cause);
  void finish(Step end, const std::string& cause);

  TransactionParts parts_;
  Outcome& outcome_;
  const ProgressSink& progress_;
  Clock::time_point deadline_;
  bool at_boot_ = false;
  bool untouched_ = false;  // Kong was never asked to read the new kong.conf
  bool away_ = false;       // Kong doesn't run: it will start with what was restored
  GatewayFacts facts_;
  Snapshot before_;
};

}  // namespace kongfleet::agent
