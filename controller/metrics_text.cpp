// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/metrics_text.hpp"

#include <algorithm>
#include <array>

namespace kongfleet::controller {

namespace {

// All of them: a person who says Ctrl-C twice leaves hosts in the midst of what they were told.
constexpr std::array<HostPhase, 13> phases = {
    HostPhase::Waiting,  HostPhase::Done,        HostPhase::Unchanged, HostPhase::Back,
    HostPhase::Refused,  HostPhase::Unreachable, HostPhase::Lost,      HostPhase::Stranded,
    HostPhase::Kept,     HostPhase::Trial,       HostPhase::Changing,  HostPhase::Confirming,
    HostPhase::Reverting};

/// One gauge; a fleet's name and a run's kind have no character that must be escaped.
class Gauge {
public:
  Gauge(std::string& out, const std::string& name, const std::string& help) : out_(out) {
    name_ = "kongfleet_run_" + name;
    out_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " gauge\n";
  }
  void add(const std::string& labels, const std::string& value) {
    out_ += name_ + "{" + labels + "} " + value + "\n";
  }

private:
  std::string& out_;
  std::string name_;
};

std::string seconds(std::chrono::milliseconds time) {
  const auto rest = std::to_string(1000 + time.count() % 1000).substr(1);
  return std::to_string(time.count() / 1000) + "." + rest;
}

}  // namespace

std::string metrics_text(const std::string& fleet, const RunEnd& end, const RunTimes& times) {
  const auto labels = "fleet=\"" + fleet + "\",kind=\"" + end.kind + "\"";
  std::string text;
  Gauge hosts(text, "hosts", "Hosts of the last run, by how it left them.");
  const auto add = [&](std::string_view phase, std::size_t count) {
    hosts.add(labels + ",phase=\"" + std::string(phase) + "\"", std::to_string(count));
  };
  for (const auto phase : phases) {
    const auto is_it = [&](const auto& entry) { return entry.second == phase; };
    const auto count = std::count_if(end.hosts.begin(), end.hosts.end(), is_it) +
                       std::count_if(end.left_alone.begin(), end.left_alone.end(), is_it);
    add(phase_name(phase), static_cast<std::size_t>(count));
  }
  add("poisoned", end.poisoned.size());
  Gauge(text, "exit_code", "Exit code of the last run; 0 is success.")
      .add(labels, std::to_string(end.exit_code));
  const auto ended =
      std::chrono::duration_cast<std::chrono::milliseconds>(times.ended.time_since_epoch());
  Gauge(text, "end_timestamp_seconds", "When the last run ended.").add(labels, seconds(ended));
  Gauge(text, "duration_seconds", "How long the last run took.").add(labels, seconds(times.took));
  return text;
}

}  // namespace kongfleet::controller
