// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/sync_look.hpp"

#include "controller/objections.hpp"

#include <algorithm>
#include <utility>

namespace kongfleet::controller {

bool SyncLook::any_wanting() const {
  return std::find(lots.begin(), lots.end(), SyncLot::Wanting) != lots.end();
}

std::string SyncLook::why_not(const RolloutRules& rules) const {
  return any_wanting() ? hopeless(rules, set_aside) : "";
}

SyncLook sort_out(FleetRun& run) {
  run.put_in_order([](const HostRun& host) { return static_cast<int>(sync_lot(host)); });
  SyncLook look;
  look.objections = gravest(run.hosts());
  for (const auto& host : run.hosts()) {
    look.lots.push_back(sync_lot(*host));
    look.set_aside.push_back(set_aside(*host));
  }
  return look;
}

RunEnd end_of_nothing(const FleetRun& run, const SyncLook& look) {
  RunEnd end;
  end.kind = run.kind();
  end.id = run.id();
  for (std::size_t i = 0; i < look.lots.size(); ++i) {
    end.hosts.emplace_back(run.hosts()[i].get(), look.set_aside[i].value_or(HostPhase::Waiting));
  }
  return end;
}

void tell_apart(RunEnd& end, const SyncLook& look) {
  const auto all = std::exchange(end.hosts, {});
  for (std::size_t i = 0; i < all.size(); ++i) {
    switch (look.lots[i]) {
      case SyncLot::Wanting:
        end.hosts.push_back(all[i]);
        break;
      case SyncLot::Poisoned:
        end.poisoned.push_back(all[i].first);
        break;
      case SyncLot::AtPeace:
      case SyncLot::RuledOut:
        end.left_alone.push_back(all[i]);
        break;
    }
  }
  end.exit_code = sync_exit_code(end, look.objections);
}

}  // namespace kongfleet::controller
