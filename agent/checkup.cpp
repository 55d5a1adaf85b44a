// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/checkup.hpp"

#include "agent/checkup_of_kong.hpp"
#include "agent/shell_command.hpp"
#include "agent/steps.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

constexpr mode_t others_bits = 022;  // who may write besides the owner
constexpr mode_t everybody = 007;
constexpr std::uint64_t inodes_min = 1000;  // a generation takes one for each of its files
constexpr std::int64_t expiry_told_before = 7 * 24 * 3600;  // time to sign and to roll out
constexpr unsigned mebibyte_shift = 20;

std::string owner_text(uid_t self) { return self == 0 ? "root:root" : std::to_string(self); }

void check_state(const CheckupFacts& facts, std::vector<Check>& checks) {
  const auto before = checks.size();
  for (const auto& place : facts.state) {
    if (!place.there || ours_alone(place, facts.self)) continue;
    const auto path = shell_word(place.path);
    checks.push_back({"state",
                      CheckVerdict::Wrong,
                      quote(place.path) + " can be written by others than the agent",
                      "whoever writes there decides what Kong runs",
                      {RemedyKind::Host, "chown -R " + owner_text(facts.self) + " " + path +
                                             " && chmod -R go-w " + path}});
  }
  if (checks.size() == before)
    checks.push_back(right("state", "nobody but the agent can write what Kong is given"));
}

void check_socket(const CheckupFacts& facts, std::vector<Check>& checks) {
  const auto& socket = facts.socket;
  const bool group_is_right = !facts.socket_group || socket.group == *facts.socket_group;
  if (!socket.there) {
    checks.push_back(right("socket", "the agent was given its socket by whoever started it"));
  } else if ((socket.mode & everybody) != 0 || !group_is_right) {
    const auto path = shell_word(socket.path);
    checks.push_back(
        {"socket",
         CheckVerdict::Wrong,
         quote(socket.path) +
             (group_is_right ? " can be reached by everybody on the host"
                             : " belongs to another group than '" + facts.socket_group_name + "'"),
         "who may speak to the agent is decided there first",
         {RemedyKind::Host,
          "chgrp " + shell_word(facts.socket_group_name) + " " + path + " && chmod 0660 " + path}});
  } else {
    checks.push_back(right("socket", quote(socket.path) + " is for root and group '" +
                                         facts.socket_group_name + "' only"));
  }
}

Remedy remedy_for_signers(const CheckupFacts& facts) {
  const auto path = shell_word(facts.signers.path);
  if (!facts.signers.there)
    return {RemedyKind::Edit, "write into " + facts.signers.path.string() +
                                  " who may sign (ssh-keygen(1), ALLOWED SIGNERS)"};
  if (!ours_alone(facts.signers, facts.self))
    return {RemedyKind::Host, "chown root:root " + path + " && chmod 0644 " + path};
  return remedy_in(facts.trust_problem, {RemedyKind::Edit, "correct that file"});
}

void check_signers(const CheckupFacts& facts, std::vector<Check>& checks) {
  if (facts.signatures == "off") {
    checks.push_back(right("signers", "signatures are not looked at ([trust] signatures = off)"));
  } else if (!facts.trust_problem.empty()) {
    const bool all = facts.signatures == "required";
    checks.push_back({"signers", CheckVerdict::Wrong, statement_in(facts.trust_problem),
                      all ? "nothing new is taken here" : "no release that is signed is taken here",
                      remedy_for_signers(facts)});
  } else {
    checks.push_back(right("signers", facts.signers.there
                                          ? "signatures are " + facts.signatures + ", " +
                                                quote(facts.signers.path) + " says by whom"
                                          : "signatures are optional, and nobody's are known"));
  }
}

// What runs goes on: the end of its signature says until when hosts may begin to run it.
void check_expiry(const CheckupFacts& facts, std::vector<Check>& checks) {
  const auto before = checks.size();
  std::optional<std::int64_t> first;
  for (const auto& release : facts.releases) {
    if (!release.terms() || facts.signatures == "off") continue;
    const auto expires = release.terms()->expires;
    if (!first || expires < *first) first = expires;
    if (expires - facts.now > expiry_told_before) continue;
    const bool over = expires <= facts.now;
    checks.push_back(
        {"expiry",
         CheckVerdict::Warning,
         release.release() + (over ? " expired at " : " expires at ") + expiry_text(expires),
         std::string("it goes on here, but no host ") +
             (over ? "takes it anew" : "will take it anew then"),
         {RemedyKind::Edit,
          "sign it anew (kongfleet pack --sign) and roll it out again; with a new "
          "version where it runs already: this one keeps the end it was taken with"}});
  }
  if (checks.size() == before)
    checks.push_back(
        right("expiry", first ? "no release that runs expires before " + expiry_text(*first)
                              : "no release that runs has an end"));
}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> mebibyte_shift) + " MiB";
}

std::optional<CheckVerdict> verdict_on(const SpaceFacts& space) {
  const auto inodes = space.free_inodes.value_or(2 * inodes_min);
  if (space.free_bytes < space.needed || inodes < inodes_min) return CheckVerdict::Wrong;
  if (space.free_bytes < 2 * space.needed || inodes < 2 * inodes_min) return CheckVerdict::Warning;
  return std::nullopt;
}

void check_space(const CheckupFacts& facts, std::vector<Check>& checks) {
  const auto before = checks.size();
  for (const auto& space : facts.spaces) {
    const auto verdict = verdict_on(space);
    if (!verdict) continue;
    std::string text = mebibytes(space.free_bytes);
    if (space.free_inodes) text += " and " + std::to_string(*space.free_inodes) + " files";
    const auto path = shell_word(space.path);
    checks.push_back({"space",
                      *verdict,
                      text + " are free where " + quote(space.path) + " is, " +
                          mebibytes(space.needed) + " and " + std::to_string(inodes_min) +
                          " files are to stay free",
                      *verdict == CheckVerdict::Wrong ? "a deploy is refused"
                                                      : "the next deploys may be refused",
                      {RemedyKind::Edit, "free some (du -xh " + path +
                                             " | sort -h shows where it is), or lower "
                                             "[agent] reserve in agent.toml"}});
  }
  if (checks.size() > before) return;
  std::string text = "enough is free";
  if (!facts.spaces.empty())
    text = mebibytes(facts.spaces.front().free_bytes) + " are free where " +
           quote(facts.spaces.front().path) + " is";
  checks.push_back(right("space", text));
}

void check_transaction(const CheckupFacts& facts, std::vector<Check>& checks) {
  if (!facts.open) {
    checks.push_back(right("transaction", "none is open"));
    return;
  }
  const auto& open = *facts.open;
  if (open.step == step_name(Step::Stranded)) {
    checks.push_back({"transaction",
                      CheckVerdict::Wrong,
                      "stranded in transaction '" + open.id + "': " + facts.stranded_cause,
                      "the host is neither old nor new, and takes nothing",
                      {RemedyKind::Host, "kongfleet-agent rollback"}});
    return;
  }
  const auto left = std::to_string(open.lease_left.count());
  checks.push_back(
      {"transaction",
       CheckVerdict::Warning,
       "transaction '" + open.id + "' of " + open.holder + " is open, step " + open.step +
           ", since " + std::to_string(open.age.count()) + " s",
       "nobody else can deploy here meanwhile",
       {RemedyKind::Edit, open.lease_left.count() > 0
                              ? "wait: it is undone in " + left + " s unless it is confirmed"
                              : "wait: it ends by itself"}});
}

}  // namespace

bool ours_alone(const PlaceFacts& place, uid_t self) {
  const bool owned = place.owner == self || place.owner == 0;
  return owned && (place.mode & others_bits) == 0;
}

std::vector<Check> judge(const CheckupFacts& facts) {
  std::vector<Check> checks;
  judge_kong(facts, checks);
  check_state(facts, checks);
  check_socket(facts, checks);
  check_signers(facts, checks);
  check_expiry(facts, checks);
  check_space(facts, checks);
  check_transaction(facts, checks);
  return checks;
}

}  // namespace kongfleet::agent
