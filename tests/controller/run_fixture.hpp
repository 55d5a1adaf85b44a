// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Hosts of a run, to be put into any state; none of them can be reached.
class RunFixture {
public:
  /// "edge-1" and up.
  explicit RunFixture(std::size_t hosts);
  HostRun& host(std::size_t number) { return *hosts_[number]; }
  const std::vector<std::unique_ptr<HostRun>>& hosts() const { return hosts_; }
  Fleet& fleet() { return fleet_; }

private:
  struct NoLinks final : HostLinks {
    asio::awaitable<std::unique_ptr<HostLink>> open(const HostAddress& host,
                                                    const std::string& command) override;
  };
  Fleet fleet_;
  std::vector<Release> releases_;
  ContentPack contents_;
  NoLinks links_;
  RunParts parts_;
  std::vector<std::unique_ptr<HostRun>> hosts_;
};

// What a host may say, with a word in every field.
wire::HostState full_state();
wire::Plan full_plan();
wire::Outcome full_outcome();

}  // namespace kongfleet::controller
