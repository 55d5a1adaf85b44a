// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/proofs.hpp"
#include "tests/crash/tiny_settings.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace kongfleet::crash {

namespace {

struct Errno {
  int number;
  const char* name;
};
constexpr std::array<Errno, 8> errors{{{ENOSPC, "ENOSPC"},
                                       {EDQUOT, "EDQUOT"},
                                       {EIO, "EIO"},
                                       {EROFS, "EROFS"},
                                       {EINTR, "EINTR"},
                                       {EMFILE, "EMFILE"},
                                       {ENOMEM, "ENOMEM"},
                                       {EACCES, "EACCES"}}};
// Who is interrupted for ever must not be: a call is tried again until it is not.
constexpr std::size_t interruptions_max = 50;

// For how long: for one call; for all that follow; for all that follow on the same file, as with a
// bad block.
enum class Lasting { Once, On, OnFile };

struct Fault {
  const Scene& scene;
  std::size_t number;
  std::string call;
  int error;
  Lasting lasting;
  bool go_on;  // whether the host is asked to, afterwards: that takes as long again
};

/// Decides which calls fail, for one performance.
class Failing {
public:
  explicit Failing(const Fault& fault) : fault_(fault) {}
  Fate operator()(const MutatingCall& call) {
    if (call.number == fault_.number) file_ = call.path;
    if (call.number < fault_.number || !call.disk || !lasts(call)) return {};
    ++failed_;
    return {Fate::Fail, fault_.error};
  }
  std::size_t failed() const { return failed_; }

private:
  bool lasts(const MutatingCall& call) const {
    if (fault_.error == EINTR && failed_ > interruptions_max) return false;
    if (fault_.lasting == Lasting::Once) return call.number == fault_.number;
    return fault_.lasting == Lasting::On || call.path == file_ || call.other == file_;
  }
  const Fault& fault_;
  fs::path file_;
  std::size_t failed_ = 0;
};

std::string path_in(const std::string& conf) { return parse_settings(conf).at("lua_package_path"); }

/// While the fault lasts: what serves is the old or the new service, whole; what was told is so.
Complaints check_while(const Stage& stage, const Fault& fault, const Told& told) {
  const auto& host = stage.host();
  const auto from = from_text(stage, fault.scene);
  const auto to = to_text(stage, fault.scene);
  auto found = check_instant(host, {from, to});
  const auto heard = told.outcome ? told.outcome->result() : wire::Outcome::UNKNOWN;
  const auto serving = host.serving();
  if (serving != path_in(from) && serving != path_in(to))
    found.push_back("Kong serves '" + serving + "'");
  const bool settled = heard == wire::Outcome::COMMITTED || heard == wire::Outcome::ROLLED_BACK ||
                       heard == wire::Outcome::REFUSED;
  if (!settled) return found;
  const auto& truth = heard == wire::Outcome::COMMITTED ? to : from;
  if (content_of(host.conf()) != truth) found.push_back("kong.conf is not what was told");
  if (serving != path_in(truth)) found.push_back("Kong does not serve what was told");
  return found;
}

/// The agent stays, or does not come up and says so with exit code 1.
Complaints check_agent(const Performance& seen) {
  Complaints found;
  const auto& off = seen.told.broken_off;
  if (seen.status && *seen.status != W_EXITCODE(1, 0))
    found.push_back("the agent ended with " + ending_of(*seen.status));
  const bool never_up = off.starts_with("no agent listens");
  if (seen.status && !never_up) found.push_back("the agent ended in the midst of it: " + off);
  const bool told = off.empty() || off.starts_with("refused") || off.starts_with("plan");
  if (!told && !never_up) found.push_back("the controller was left without an answer: " + off);
  return found;
}

Complaints play(const Stage& stage, const Fault& fault) {
  begin(stage, fault.scene);
  Failing failing(fault);
  Complaints found;
  const auto seen = perform(
      stage, fault.scene, [&](const MutatingCall& call) { return failing(call); },
      [&](const Told& told) { found = check_while(stage, fault, told); });
  if (failing.failed() == 0) return {fault.call + " was never made"};
  const auto recovery = fault.go_on ? recover_and_go_on : recover_and_check;
  for (const auto& more :
       {check_agent(seen), recovery(stage, fault.scene, seen.told, Recovery::Serving)})
    found.insert(found.end(), more.begin(), more.end());
  if (!found.empty()) found.insert(found.begin(), "failed: " + fault.call);
  if (!found.empty() && seen.told.outcome)
    found.push_back("told: " + wire::Outcome::Result_Name(seen.told.outcome->result()) + ": " +
                    seen.told.outcome->cause());
  return found;
}

Case make_case(const Fault& fault, const char* error) {
  const char* lasting = fault.lasting == Lasting::On       ? "-on:"
                        : fault.lasting == Lasting::OnFile ? "-on-file:"
                                                           : ":";
  return {
      std::string(fault.scene.name) + ":" + error + lasting + std::to_string(fault.number) + ".",
      [fault](const Stage& stage) { return play(stage, fault); }};
}

/// One call with every error once; and from there on with every second one. Lasting for the same
/// file, and with what the host does afterwards, where it is the error's turn; all of that if all
/// is asked for.
void add_cases(const Scene& scene, std::size_t number, const std::string& call, bool all,
               std::vector<Case>& cases) {
  for (std::size_t e = 0; e < errors.size(); ++e) {
    const auto& error = errors.at(e);
    const auto add = [&](Lasting lasting, bool go_on) {
      cases.push_back(make_case({scene, number, call, error.number, lasting, go_on}, error.name));
    };
    add(Lasting::Once, false);
    const auto turn = number % errors.size();
    if (all || turn % 2 == e % 2) add(Lasting::On, all || turn == e);
    if (all || (number + errors.size() / 2) % errors.size() == e) add(Lasting::OnFile, true);
  }
}

// No disk is asked for it.
bool is_signal(const std::string& call) {
  return call.starts_with("kill") || call.starts_with("pidfd_send_signal");
}

}  // namespace

int io_errors(const std::string& only) {
  const std::vector<Scene> played{scene_named("deploy"), scene_named("rollback")};
  const auto calls = rehearse(played);
  std::vector<Case> cases;
  for (std::size_t s = 0; s < played.size(); ++s) {
    for (std::size_t number = 1; number <= calls[s].size(); ++number) {
      const auto call = named_call(calls[s], number);
      if (is_signal(calls[s][number - 1])) continue;
      add_cases(scene_named(played[s].name), number, call, deep() || !only.empty(), cases);
    }
  }
  return prove({"io-errors", "P1-P5", "io-errors"}, cases, only);
}

}  // namespace kongfleet::crash
