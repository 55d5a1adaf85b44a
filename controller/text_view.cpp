// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/text_view.hpp"

#include "controller/durations.hpp"
#include "controller/exit_code.hpp"
#include "proto/names.hpp"

#include <algorithm>
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

// What a host that was never heard runs is not known; a rollout that is taken up again may know
// what it said last.
std::string releases_text(const HostRun& host) {
  const bool heard = !host.state.state().empty();
  const bool known = heard || (host.outcome && !host.outcome->host().state().empty());
  if (!known) return "an unknown release (it was not heard)";
  const auto& state = heard ? host.state : host.outcome->host();
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
    if (probe.ok()) continue;
    text += "; probe " + printable(probe.name()) +
            (probe.inconclusive() ? " is inconclusive: " : " FAILS: ") +
            printable(probe.detail(), 300);
  }
  return text;
}

std::string left_text(HostPhase phase) {
  const bool back = phase == HostPhase::Reverting;  // it may have been confirmed before
  return std::string(phase_name(phase)) + " when we stopped looking: " +
         (back ? "where it did not hear of it, what was confirmed stays, and a trial ends by itself"
               : "what it does not hear confirmed it undoes by itself") +
         "; see kongfleet status";
}

std::string phase_text(const HostRun& host, HostPhase phase) {
  const auto because = host.problem.empty() ? "" : ": " + host.problem;
  switch (phase) {
    case HostPhase::Trial:
      return "in trial" + (host.outcome ? ", " + proof_text(*host.outcome) : "");
    case HostPhase::Done:
      return "confirmed: runs " + releases_text(host) + failed_probes(host);
    case HostPhase::Unchanged:
      return "nothing to do: runs " + releases_text(host);
    case HostPhase::Back:
      return "back on " + releases_text(host) + because;
    case HostPhase::Refused:
      return "refused before anything changed" + because;
    case HostPhase::Unreachable:
      return "not reached, nothing was changed" + because;
    case HostPhase::Lost:
      return "no answer any more; it takes back by itself what is not confirmed" + because;
    case HostPhase::Stranded:
      return "STRANDED, needs a person" + because;
    case HostPhase::Kept:
      return "STILL RUNS " + releases_text(host) + ", it could not be taken back" + because;
    case HostPhase::Waiting:
      return "never touched";
    default:
      return left_text(phase);
  }
}

}  // namespace

std::string short_phase_text(const HostRun& host, HostPhase phase) {
  if (!host.problem.empty()) return host.problem;
  if (phase == HostPhase::Trial) return host.outcome ? proof_text(*host.outcome) : "";
  const bool runs_it = phase == HostPhase::Done || phase == HostPhase::Unchanged;
  return runs_it ? "runs " + releases_text(host) : "";
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

// What a rollback was about when it ended before its hosts had answered: there is no trial then. Of
// a rollout that is over none is in trial.
std::string end_text(const RunEnd& end, const HostRun& host, HostPhase phase) {
  if (end.kind == "rollback" && phase == HostPhase::Waiting)
    return "was not told to go back: it stays as it was";
  if (end.kind == "rollback" && phase == HostPhase::Reverting)
    return "was told to go back; it finishes by itself; see kongfleet status";
  if (phase == HostPhase::Trial) return "in " + left_text(phase);
  return phase_text(host, phase);
}

// Of a rollout that was interrupted each host is told of by name: which of them are done is nothing
// that a person knows.
bool counting_is_enough(const RunEnd& end, const HostRun& host, HostPhase phase) {
  const bool is_rollback = end.kind == "rollback";
  const bool interrupted = end.stop == RolloutStop::Interrupted || end.abandoned;
  if (interrupted && !is_rollback) return false;
  if (phase == HostPhase::Done) return failed_probes(host).empty();
  return phase == HostPhase::Unchanged || (phase == HostPhase::Waiting && !is_rollback);
}

// Not after an abort that went well: there hosts are back because a person wanted it.
bool went_badly(const RunEnd& end) {
  if (end.exit_code != exit_code::done) return true;
  return end.stop == RolloutStop::No &&
         std::any_of(end.hosts.begin(), end.hosts.end(),
                     [](const auto& one) { return is_failure(one.second); });
}

void print_what_to_do(std::ostream& out, const RunEnd& end) {
  if (end.kind == "rollback") {
    if (!is_over(end.state))
      out << "it was interrupted: ask for it again to take back the hosts that were not told\n";
    return;
  }
  if (!is_over(end.state))
    out << "it is not over: 'kongfleet resume " << end.id << "' goes on with it, 'kongfleet abort "
        << end.id << "' takes it back\n";
  if (went_badly(end))
    out << "what each host did and said: 'kongfleet show " << end.id
        << "', or as a page 'kongfleet report " << end.id << " -o " << end.id << ".html'\n";
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
    if (!counting_is_enough(end, *host, phase))
      out << "  " << host->label() << ": " << end_text(end, *host, phase) << "\n";
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
  print_what_to_do(out, end);
}

}  // namespace kongfleet::controller
