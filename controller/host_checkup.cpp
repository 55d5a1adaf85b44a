// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_checkup.hpp"

#include "controller/fleet_ssh.hpp"
#include "controller/shell_text.hpp"
#include "proto/framing.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace kongfleet::controller {

namespace {

constexpr std::size_t name_shown_max = 40;
constexpr std::size_t text_shown_max = 2000;
constexpr std::size_t checks_shown_max = 250;  // an agent of ours says 200 at the most
// How commands begin and end that hosts want run here.
constexpr std::string_view our_word = "kongfleet ";
constexpr std::string_view host_word = "HOST";
/// What an agent's command says where its daemon is stopped.
constexpr std::string_view start_advice = "start it with 'systemctl start kongfleet-agent.socket'";
constexpr double clock_skew_max_ms = 5000;
constexpr std::string_view plain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/@";

using Checks = std::vector<wire::Check>;

struct Ailment {
  wire::Check::Verdict verdict;
  std::string text;
  std::string why;
  std::string remedy;
  wire::Check::Remedy kind;
};

wire::Check check(const std::string& name, const Ailment& what) {
  wire::Check check;
  check.set_name(name);
  check.set_verdict(what.verdict);
  check.set_text(printable(what.text, text_shown_max));
  check.set_why(what.why);
  check.set_remedy(printable(what.remedy, text_shown_max));
  check.set_remedy_kind(what.kind);
  return check;
}

wire::Check fine(const std::string& name, const std::string& text) {
  return check(name, {wire::Check::RIGHT, text, "", "", wire::Check::NONE});
}

std::string as_word(const std::string& label) {
  return label.find_first_not_of(plain) == std::string::npos ? label : shell_quoted(label);
}

/// `kongfleet` as it is called for the fleet of `host`; "fleet.toml" is what it looks for itself.
std::string kongfleet_for(const HostRun& host) {
  const auto& file = host.fleet().path;
  if (file.empty() || file == "fleet.toml") return "kongfleet";
  return "kongfleet -f " + as_word(file.string());
}

std::string bootstrap_of(const HostRun& host) {
  return kongfleet_for(host) + " bootstrap --package FILE " + as_word(host.label());
}

std::string sync_of(const HostRun& host) {
  return kongfleet_for(host) + " sync " + as_word(host.label());
}

// What stands behind the semicolon of a message of ours is what to do about it.
std::string advice_in(const std::string& message, const std::string& otherwise) {
  const auto at = message.find("; ");
  return at == std::string::npos ? otherwise : message.substr(at + 2);
}

std::string before_advice(const std::string& message) {
  return message.substr(0, message.find("; "));
}

/// As we go there ourselves: what the fleet file and the inventory say, before ssh_config.
std::string way_to(const HostRun& host) {
  const auto& ssh = host.fleet().ssh;
  const auto address = address_of(host.host(), ssh);
  std::string command = "ssh -v ";
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) command += option + as_word(value) + " ";
  };
  add("-F ", ssh.config.string());
  add("-o UserKnownHostsFile=", ssh.known_hosts.string());
  for (const auto& file : ssh.identity_files) add("-i ", file.string());
  for (const auto& file : address.identity_files) add("-i ", file);
  add("-p ", address.port ? std::to_string(*address.port) : "");
  add("-l ", ssh.user ? *ssh.user : address.user.value_or(""));
  return command + as_word(address.name);
}

wire::Check unreachable(const HostRun& host) {
  Ailment what{wire::Check::WRONG, host.problem, "nothing is known of this host",
               advice_in(host.problem, "correct that, then check again"), wire::Check::EDIT};
  if (!host.fault || host.fault == LinkFault::Exec) what.text = before_advice(host.problem);
  switch (host.fault.value_or(LinkFault::Config)) {
    case LinkFault::Resolve:
    case LinkFault::Connect:
    case LinkFault::Timeout:
    case LinkFault::Lost:
      what.why = "a rollout counts it as unavailable";
      what.kind = wire::Check::CONTROLLER;
      what.remedy = way_to(host);
      break;
    case LinkFault::HostKey:
      what.why = "nothing is sent to a host whose key is not known";
      what.remedy =
          "ask the host itself for its key (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), "
          "then write that into known_hosts";
      break;
    case LinkFault::Exec:  // an agent that is there says itself what is wrong
      if (what.remedy == start_advice) {
        what.kind = wire::Check::HOST;
        what.remedy = "systemctl start kongfleet-agent.socket";
      }
      if (host.problem.find("; ") != std::string::npos) break;
      [[fallthrough]];
    case LinkFault::Auth:
      what.kind = wire::Check::CONTROLLER;
      what.remedy = bootstrap_of(host);
      break;
    case LinkFault::Config:
      break;
  }
  return check("reach", what);
}

/// "0.12.1" as numbers; what is no number is 0.
std::array<int, 3> numbers_of(const std::string& version) {
  std::array<int, 3> numbers{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (auto& number : numbers) {
    at = std::from_chars(at, end, number).ptr;
    if (at == end || *at != '.') break;
    ++at;
  }
  return numbers;
}

std::string seconds_text(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", ms / 1000);
  return text;
}

/// For an agent that can't be asked: what it said of its host when it was greeted.
void judge_greeting(const HostRun& host, Checks& checks) {
  const auto& state = host.state;
  if (state.state() == "stranded" || state.state() == "unmanageable") {
    checks.push_back(check(
        "state", {wire::Check::WRONG, state.state() + ": " + before_advice(state.advice()),
                  "nothing can be deployed here",
                  advice_in(state.advice(), "correct that, then check again"), wire::Check::EDIT}));
  }
  for (const auto& drift : state.drift()) {
    checks.push_back(check("drift", {wire::Check::WRONG, drift, "the host is not as it was left",
                                     sync_of(host), wire::Check::CONTROLLER}));
    if (checks.size() >= checks_shown_max) break;
  }
}

/// Nothing that a host says is to be run here but "kongfleet VERB HOST", which is about that host.
bool may_run_here(std::string_view command) {
  const auto end = " " + std::string(host_word);
  if (!command.starts_with(our_word) || !command.ends_with(end)) return false;
  if (command.size() < our_word.size() + end.size()) return false;
  command.remove_prefix(our_word.size());
  command.remove_suffix(end.size());
  return std::all_of(command.begin(), command.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

wire::Check from_host(const wire::Check& said, const HostRun& host) {
  auto shown = said;
  shown.set_name(printable(said.name(), name_shown_max));
  shown.set_text(printable(said.text(), text_shown_max));
  shown.set_why(printable(said.why(), text_shown_max));
  auto remedy = printable(said.remedy(), text_shown_max);
  const auto verdict = said.verdict();
  if (verdict != wire::Check::RIGHT && verdict != wire::Check::WRONG)
    shown.set_verdict(wire::Check::WARNING);  // a later agent may know more kinds
  if (said.remedy_kind() == wire::Check::CONTROLLER && may_run_here(remedy))
    remedy = kongfleet_for(host) + " " +
             remedy.substr(our_word.size(), remedy.size() - our_word.size() - host_word.size()) +
             as_word(host.label());
  else if (said.remedy_kind() != wire::Check::HOST)
    shown.set_remedy_kind(wire::Check::EDIT);
  shown.set_remedy(remedy);
  return shown;
}

}  // namespace

wire::Check agent_check(const std::string& ours, const std::string& its,
                        const std::string& upgrade) {
  const auto shown = printable(its, name_shown_max);
  if (numbers_of(its) == numbers_of(ours))
    return fine("agent", "version " + shown + ", protocol " + std::to_string(protocol_version));
  const bool older = numbers_of(its) < numbers_of(ours);
  return check("agent",
               {wire::Check::WARNING, "its version is " + shown + ", this kongfleet's " + ours,
                older ? "what came since is refused or left out on this host"
                      : "what this host could do besides is not asked of it",
                older ? upgrade : "install kongfleet " + shown + " here",
                older ? wire::Check::CONTROLLER : wire::Check::EDIT});
}

// As NTP has it: what the question and the answer took together is what nobody knows.
wire::Check clock_check(const CheckupAnswer& answer) {
  const auto asked = static_cast<double>(answer.checkup.asked_ms());
  const auto answered = static_cast<double>(answer.checkup.answered_ms());
  const auto sent = static_cast<double>(answer.asked_ms);
  const auto heard = static_cast<double>(answer.answered_ms);
  const double ahead = ((asked - sent) + (answered - heard)) / 2;
  const double unknown = std::max(0.0, ((heard - sent) - (answered - asked)) / 2);
  if (std::abs(ahead) - unknown <= clock_skew_max_ms)
    return fine("clock", "its clock and this machine's agree");
  return check("clock", {wire::Check::WARNING,
                         "its clock is " + seconds_text(std::abs(ahead)) +
                             (ahead > 0 ? " ahead of" : " behind") +
                             " this machine's (give or take " + seconds_text(unknown) + ")",
                         "signed releases expire by it, and its history is dated by it",
                         "timedatectl set-ntp true", wire::Check::HOST});
}

std::vector<wire::Check> checks_of(const HostRun& host) {
  if (host.trouble != Trouble::None) return {unreachable(host)};
  Checks checks;
  if (!host.checkup) {
    checks.push_back(check("agent", {wire::Check::WARNING,
                                     "its agent, version " + host.agent_version +
                                         ", is too old to be asked for a check-up",
                                     "all else that may be wrong here is not known",
                                     bootstrap_of(host), wire::Check::CONTROLLER}));
    judge_greeting(host, checks);
    return checks;
  }
  checks.push_back(agent_check(KONGFLEET_VERSION, host.agent_version, bootstrap_of(host)));
  checks.push_back(clock_check(*host.checkup));
  for (const auto& said : host.checkup->checkup.checks()) {
    if (checks.size() >= checks_shown_max) break;
    checks.push_back(from_host(said, host));
  }
  return checks;
}

}  // namespace kongfleet::controller
