// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/text_view.hpp"

#include "controller/durations.hpp"
#include "proto/names.hpp"

#include <ctime>
#include <map>
#include <ostream>

namespace kongfleet::controller {

namespace {

constexpr std::size_t subject_width = 18;

std::string clock_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

std::string hosts_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " host" : " hosts");
}

std::string releases_text(const wire::HostState& state) {
  std::string text;
  for (const auto& release : state.releases()) {
    text +=
        (text.empty() ? "" : ", ") + printable(release.name()) + "@" + printable(release.version());
  }
  return text.empty() ? "no release (the state before kongfleet)" : text;
}

std::string proof_text(const wire::Outcome& outcome) {
  std::uint32_t ms = 0;
  for (const auto& step : outcome.steps()) ms += step.ms();
  std::size_t fresh = 0;
  for (const auto& worker : outcome.workers())
    if (worker.fresh() && worker.state() == "serving") ++fresh;
  auto text = std::to_string(fresh) + " new workers serve it";
  for (const auto& probe : outcome.probes()) {
    text += ", probe " + printable(probe.name()) +
            (probe.ok()             ? " ok"
             : probe.inconclusive() ? " inconclusive"
                                    : " failed");
  }
  return text + " (" + std::to_string(ms) + " ms)";
}

// Going back is never held up by a probe; what it says then is for a person.
std::string failed_probes(const HostRun& host) {
  std::string text;
  if (!host.outcome) return text;
  for (const auto& probe : host.outcome->probes()) {
    if (!probe.ok())
      text += "; probe " + printable(probe.name()) + " FAILS: " + printable(probe.detail(), 300);
  }
  return text;
}

std::string phase_text(const HostRun& host, HostPhase phase) {
  const auto because = host.problem.empty() ? "" : ": " + host.problem;
  switch (phase) {
    case HostPhase::Trial:
      return "in trial" + (host.outcome ? ", " + proof_text(*host.outcome) : "");
    case HostPhase::Done:
      return "confirmed: runs " + releases_text(host.state) + failed_probes(host);
    case HostPhase::Unchanged:
      return "nothing to do: runs " + releases_text(host.state);
    case HostPhase::Back:
      return "back on " + releases_text(host.state) + because;
    case HostPhase::Refused:
      return "refused before anything changed" + because;
    case HostPhase::Unreachable:
      return "not reached, nothing was changed" + because;
    case HostPhase::Lost:
      return "no answer any more; it takes back by itself what is not confirmed" + because;
    case HostPhase::Stranded:
      return "STRANDED, needs a person" + because;
    case HostPhase::Kept:
      return "STILL RUNS " + releases_text(host.state) + ", it could not be taken back" + because;
    case HostPhase::Waiting:
      return "never touched";
    default:
      return std::string(phase_name(phase)) +
             " when we stopped looking: what it does not hear confirmed it undoes by itself; see "
             "kongfleet status";
  }
}

}  // namespace

std::string short_phase_text(const HostRun& host, HostPhase phase) {
  if (!host.problem.empty()) return host.problem;
  if (phase == HostPhase::Trial) return host.outcome ? proof_text(*host.outcome) : "";
  const bool runs_it = phase == HostPhase::Done || phase == HostPhase::Unchanged;
  return runs_it ? "runs " + releases_text(host.state) : "";
}

// One piece: standard error has no buffer, so that each piece, and each blank of a padding, would
// be a system call of its own.
void TextView::line(const std::string& subject, const std::string& text) {
  auto line = clock_time() + "  " + subject;
  if (subject.size() < subject_width) line.append(subject_width - subject.size(), ' ');
  out_ << line + " " + text + "\n" << std::flush;
}

void TextView::wave(std::size_t number, std::size_t of, std::size_t hosts) {
  const auto name = "wave " + std::to_string(number + 1) + "/" + std::to_string(of);
  line(name, (number == 0 && of > 1 ? "canary, " : "") + hosts_text(hosts));
}

void TextView::baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) {
  line("wave " + std::to_string(number + 1) + "/" + std::to_string(of),
       "bakes for " + text_of(time));
}

void TextView::step(const HostRun& host, const wire::Progress& progress) {
  const auto text = printable(progress.text(), 300);
  line(host.label(), printable(progress.step(), 40) + (text.empty() ? "" : ": " + text));
}

void TextView::phase(const HostRun& host, HostPhase phase) {
  line(host.label(), phase_text(host, phase));
}

void TextView::stopping(const std::string& why) {
  const bool is_rollback = kind_ == "rollback";
  const std::string subject = is_rollback ? "rollback" : "rollout";
  line(subject, "stops: " + why);
  line(subject, is_rollback ? "no other host is told to go back; those that were finish"
                            : "nothing new starts; what is not confirmed goes back");
}

namespace {

// What a rollback was about when it ended before its hosts had answered: there is no trial then.
std::string end_text(const RunEnd& end, const HostRun& host, HostPhase phase) {
  if (end.kind == "rollback" && phase == HostPhase::Waiting)
    return "was not told to go back: it stays as it was";
  if (end.kind == "rollback" && phase == HostPhase::Reverting)
    return "was told to go back; it finishes by itself; see kongfleet status";
  return phase_text(host, phase);
}

}  // namespace

void print_end(std::ostream& out, const RunEnd& end) {
  std::map<HostPhase, std::size_t> counts;
  for (const auto& [host, phase] : end.hosts) ++counts[phase];
  out << end.id << ": ";
  const char* separator = "";
  for (const auto& [phase, count] : counts) {
    out << separator << hosts_text(count) << " "
        << (phase != HostPhase::Waiting ? phase_name(phase)
            : end.kind == "rollback"    ? "not told"
                                        : "never touched");
    separator = ", ";
  }
  out << "\n";
  for (const auto& [host, phase] : end.hosts) {
    const bool told = (phase == HostPhase::Done && failed_probes(*host).empty()) ||
                      phase == HostPhase::Unchanged ||
                      (phase == HostPhase::Waiting && end.kind != "rollback");
    if (!told) out << "  " << host->label() << ": " << end_text(end, *host, phase) << "\n";
    if (phase == HostPhase::Stranded) {
      out << "    on the host: kongfleet-agent status; kongfleet-agent rollback\n";
    }
  }
  if (!end.taken_over.empty()) {
    out << "this controller left its hosts: " << end.taken_over
        << (end.kind == "rollback" ? "; those that were told to go back finish by themselves\n"
                                   : "; what nobody confirms goes back by itself\n");
    return;
  }
  if (is_over(end.state)) return;
  if (end.kind == "rollback") {
    out << "it was interrupted: ask for it again to take back the hosts that were not told\n";
    return;
  }
  out << "it is not over: 'kongfleet resume " << end.id << "' goes on with it, 'kongfleet abort "
      << end.id << "' takes it back\n";
}

}  // namespace kongfleet::controller
