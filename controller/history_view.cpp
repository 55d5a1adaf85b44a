// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/history_view.hpp"

#include "controller/exit_code.hpp"
#include "controller/moment.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace kongfleet::controller {

namespace {

using HistoryRow = std::vector<std::string>;

constexpr std::size_t log_lines_max = 12;
constexpr std::size_t cause_max = 300;

std::string releases_text(const RememberedRollout& rollout) {
  std::string text;
  for (const auto& release : rollout.releases) {
    text += (text.empty() ? "" : " ") + release.name + "@" + release.version;
  }
  return text.empty() ? "-" : text;
}

std::string seconds_text(std::int64_t ms) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << static_cast<double>(ms) / 1000 << " s";
  return text.str();
}

// The last column is as wide as it likes.
void print_table(std::ostream& out, const std::vector<HistoryRow>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      out << std::left << std::setw(static_cast<int>(widths[i])) << row[i] << "  ";
    }
    out << row.back() << "\n";
  }
}

std::string duration_text(const RememberedHost& host) {
  return host.started_ms == 0 || host.ended_ms == 0 ? "-" : seconds_text(host.took_ms());
}

std::string steps_text(const wire::Outcome& outcome) {
  std::string text;
  for (const auto& step : outcome.steps()) {
    text += (text.empty() ? "" : ", ") + printable(step.step(), 40) + " " +
            std::to_string(step.ms()) + " ms" + (step.ok() ? "" : " FAILED");
  }
  return text;
}

void print_log(std::ostream& out, const std::string& log) {
  std::istringstream lines(log);
  std::string line;
  for (std::size_t i = 0; i < log_lines_max && std::getline(lines, line); ++i) {
    out << "    | " << printable(line, 1000) << "\n";
  }
}

void print_evidence(std::ostream& out, const wire::Outcome& outcome) {
  for (const auto& step : outcome.steps()) {
    if (!step.ok()) {
      out << "    step " << printable(step.step(), 40) << ": " << printable(step.detail(), 1000)
          << "\n";
    }
  }
  for (const auto& finding : outcome.findings()) {
    out << "    " << printable(finding.plugin(), 100) << " " << printable(finding.file(), 300)
        << ":" << finding.line() << ": " << printable(finding.text(), 1000) << "\n";
  }
  for (const auto& probe : outcome.probes()) {
    if (probe.ok()) continue;
    out << "    probe " << printable(probe.name(), 100)
        << (probe.inconclusive() ? " inconclusive after " : " failed after ") << probe.tries()
        << " tries: " << printable(probe.detail(), 1000) << "\n";
  }
  print_log(out, outcome.error_log());
}

void print_host_details(std::ostream& out, const RememberedHost& host) {
  const bool failed = is_failure(host.phase);
  if (failed && !host.cause.empty()) out << "  cause: " << printable(host.cause, 2000) << "\n";
  if (host.outcome && failed) print_evidence(out, *host.outcome);
  if (host.outcome && host.outcome->steps_size() > 0) {
    out << "  steps: " << steps_text(*host.outcome) << "\n";
  }
  if (!host.way_back) return;
  if (host.way_back->steps_size() > 0) out << "  way back: " << steps_text(*host.way_back) << "\n";
  if (failed || host.came_back_unwell()) print_evidence(out, *host.way_back);
}

std::vector<const RememberedHost*> failures_first(const RememberedRollout& rollout) {
  std::vector<const RememberedHost*> hosts;
  for (const auto& host : rollout.hosts) hosts.push_back(&host);
  std::stable_partition(hosts.begin(), hosts.end(),
                        [](const RememberedHost* host) { return is_failure(host->phase); });
  return hosts;
}

void print_head(std::ostream& out, const RememberedRollout& rollout, const std::string& running) {
  out << rollout.id << ": " << result_text(rollout, running) << "\n";
  out << "begun " << time_text(rollout.started_ms) << " by " << printable(rollout.who);
  if (rollout.ended_ms != 0) out << ", took " << seconds_text(rollout.took_ms());
  out << "; " << (rollout.selection.empty() ? "the whole fleet" : printable(rollout.selection))
      << "\n";
  for (const auto& release : rollout.releases) {
    out << "release " << release.name << "@" << release.version << " " << release.digest << "\n";
  }
  if (!rollout.why.empty()) out << "why: " << printable(rollout.why) << "\n";
}

}  // namespace

std::string result_text(const RememberedRollout& rollout, const std::string& running) {
  if (rollout.id == running) return "running";
  // A rollback is over for others as soon as it begins.
  const bool is_left = rollout.state == RolloutState::Ended && rollout.ended_ms == 0;
  if (rollout.state == RolloutState::Open || is_left) return "unfinished";
  if (rollout.state != RolloutState::Ended) return std::string(state_name(rollout.state));
  switch (rollout.exit_code) {
    case exit_code::done:
      return "done";
    case exit_code::taken_back:
      return rollout.kind == "rollback" ? "failed" : "failed, taken back";
    case exit_code::needs_person:
      return "needs a person";
    case exit_code::refused:
      return "refused";
    case exit_code::host_key:
      return "host key refused";
    case exit_code::held:
      return "held";
    case exit_code::interrupted:
      return "interrupted";
    default:
      return "failed";
  }
}

void print_history(std::ostream& out, const std::vector<RememberedRollout>& rollouts,
                   const std::string& running) {
  if (rollouts.empty()) {
    out << "nothing is remembered yet\n";
    return;
  }
  std::vector<HistoryRow> rows{
      {"ID", "KIND", "WHEN", "WHO", "RELEASES", "OK/FAILED/ALL", "RESULT"}};
  for (const auto& rollout : rollouts) {
    rows.push_back({rollout.id, rollout.kind, time_text(rollout.started_ms), printable(rollout.who),
                    releases_text(rollout),
                    std::to_string(rollout.hosts_ok) + "/" + std::to_string(rollout.hosts_failed) +
                        "/" + std::to_string(rollout.hosts_all),
                    result_text(rollout, running)});
  }
  print_table(out, rows);
}

void print_rollout(std::ostream& out, const RememberedRollout& rollout,
                   const std::string& running) {
  print_head(out, rollout, running);
  const auto hosts = failures_first(rollout);
  std::vector<HistoryRow> rows{{"HOST", "WAVE", "PHASE", "TOOK", "CAUSE"}};
  for (const auto* host : hosts) {
    const auto cause = printable(host->cause, cause_max);
    rows.push_back({host->label, std::to_string(host->wave + 1),
                    std::string(phase_name(host->phase)), duration_text(*host),
                    cause.empty() ? "-" : cause});
  }
  out << "\n";
  print_table(out, rows);
  out << "\n";
  for (const auto* host : hosts) {
    if (!host->outcome && !host->way_back && host->cause.empty()) continue;
    out << host->label << "\n";
    print_host_details(out, *host);
  }
}

}  // namespace kongfleet::controller
