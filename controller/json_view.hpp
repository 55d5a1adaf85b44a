// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/run_view.hpp"

#include <iosfwd>

namespace kongfleet::controller {

/// A rollout as JSON, one event a line, each with "schema", "event" and what belongs to it.
class JsonView : public RunView {
public:
  explicit JsonView(std::ostream& out) : out_(out) {}
  void wave(std::size_t number, std::size_t of, std::size_t hosts) override;
  void baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) override;
  void step(const HostRun& host, const wire::Progress& progress) override;
  void phase(const HostRun& host, HostPhase phase) override;
  void stopping(const std::string& why) override;
  void ends(const RememberedRollout& other, const std::string& text) override;

private:
  std::ostream& out_;
};

/// The last event: "end", with every host.
void print_end_json(std::ostream& out, const RunEnd& end);

}  // namespace kongfleet::controller
