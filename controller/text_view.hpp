// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/run_view.hpp"

#include <iosfwd>
#include <string>

namespace kongfleet::controller {

/// A rollout as timestamped lines, one for each thing that happened; readable in a terminal and in
/// a log.
class TextView : public RunView {
public:
  /// `kind`: of the run, "rollout" or "rollback".
  explicit TextView(std::ostream& out, std::string kind = "rollout")
      : out_(out), kind_(std::move(kind)) {}
  void wave(std::size_t number, std::size_t of, std::size_t hosts) override;
  void baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) override;
  void step(const HostRun& host, const wire::Progress& progress) override;
  void phase(const HostRun& host, HostPhase phase) override;
  void stopping(const std::string& why) override;

private:
  void line(const std::string& subject, const std::string& text);
  std::ostream& out_;
  std::string kind_;
};

/// What became of a host, for a row that names its phase already: the cause where it failed.
std::string short_phase_text(const HostRun& host, HostPhase phase);

/// What became of every host, its cause first where it failed, and what to do where a person is
/// needed; where something failed, at the end, which commands have the rest.
void print_end(std::ostream& out, const RunEnd& end);

}  // namespace kongfleet::controller
