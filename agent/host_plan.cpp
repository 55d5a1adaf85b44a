// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/host_plan.hpp"

#include "agent/followed_path.hpp"
#include "agent/live_file.hpp"
#include "agent/obstacle.hpp"
#include "proto/bundled_plugins.hpp"
#include "proto/error.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <map>

namespace fs = std::filesystem;

namespace kongfleet::agent {

namespace {

void find_moves(HostPlan& plan) {
  std::map<std::string, ReleaseMove> moves;
  std::map<std::string, std::string> digests;
  for (const auto& release : plan.survey.releases) {
    moves[release.name().text()] = {release.name().text(), release.version().text(), ""};
    digests[release.name().text()] = release.digest().hex();
  }
  for (const auto& release : plan.releases) {
    auto& move = moves[release.name().text()];
    move.name = release.name().text();
    move.to = release.version().text();
    if (digests[move.name] == release.digest().hex()) moves.erase(move.name);
  }
  for (const auto& [name, move] : moves) plan.moves.push_back(move);
}

void check_releases(HostPlan& plan) {
  std::map<std::string, int> count;
  for (const auto& release : plan.releases) {
    const auto& name = release.name().text();
    if (is_bundled_plugin(name)) {
      plan.refusals.push_back({"shadow", name, "", 0,
                               "'" + name + "' is a plugin that Kong bundles",
                               "give yours a name of its own"});
    }
    if (++count[name] == 2) {
      plan.refusals.push_back({"duplicate", name, "", 0,
                               "two releases of '" + name + "' are asked for",
                               "a host runs one version of a plugin"});
    }
  }
  const auto clash = conflict(plan.releases);
  if (!clash.empty()) {
    plan.refusals.push_back({"conflict", "", "", 0, clash, "rename the module in one of them"});
  }
}

void check_space(HostPlan& plan, const Config& config, const fs::path& where) {
  std::uint64_t content = 0;
  for (const auto& release : plan.releases) content += release.content_bytes();
  struct statvfs info {};
  if (::statvfs(where.c_str(), &info) != 0) throw_errno("look for free space at", where);
  const std::uint64_t free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize;
  // Where a file can't have two names, what is received waits in one place and is copied to
  // another: twice, for a moment.
  const auto needed = content + plan.missing_bytes + config.reserve;
  if (free_bytes < needed) {
    plan.refusals.push_back({"space", "", where.string(), 0,
                             std::to_string(free_bytes >> 20) + " MiB are free, " +
                                 std::to_string((needed >> 20) + 1) +
                                 " MiB are needed, reserve included",
                             "free space, or lower [agent] reserve in agent.toml"});
  }
}

// Every other thing that keeps a generation what it is takes for granted that it is ours alone.
void check_place(HostPlan& plan, const fs::path& where) {
  const auto who = who_may_replace(where);
  if (who.empty()) return;
  plan.refusals.push_back({"place", "", where.string(), 0,
                           who + ": the generations below it could be replaced at any time",
                           "give it to root, closed to others, or move [agent] state"});
}

// What has been confirmed goes on, and back; but whom this host trusts, nobody knows.
void check_settings(HostPlan& plan, const Config& config) {
  if (config.who_may_write.empty()) return;
  plan.refusals.push_back(
      {"place", "", "", 0,
       config.who_may_write +
           ": the agent's settings, which say what may run here, could be anybody's",
       "give it to root, closed to others, and start kongfleet-agent again"});
}

void edit_conf(HostPlan& plan, const Host& host, const HostRecord& record) {
  const auto& facts = plan.survey.facts;
  for (const auto& finding : facts.obstacles)
    (finding.warning ? plan.warnings : plan.refusals).push_back(finding);
  if (!facts.manageable()) return;
  const auto obstacle = obstacle_to_replace(LiveFile(facts.managed_path()).path());
  if (!obstacle.empty()) {
    plan.refusals.push_back(
        {"conf", "", plan.conf_path, 0, obstacle, "nothing was touched; deploy again afterwards"});
  }
  const auto& text = plan.survey.conf_text;
  auto next = host.edit_for(text, facts, plan.generation.number, plan.releases);
  // Of a generation whose manifests are lost nobody knows its name: kong.conf goes back as it is.
  auto restore = plan.survey.known
                     ? host.edit_for(text, facts, record.committed, plan.survey.releases)
                     : std::variant<Edited, ConfProblem>(Edited{.text = text});
  for (const auto* edited : {&next, &restore}) {
    const auto* problem = std::get_if<ConfProblem>(edited);
    if (problem == nullptr) continue;
    plan.refusals.push_back({"conf", "", plan.conf_path, static_cast<unsigned>(problem->line),
                             problem->reason, "it was not touched"});
    return;
  }
  auto& after = std::get<Edited>(next);
  auto& back = std::get<Edited>(restore);
  plan.conf = std::move(after.lines);
  plan.next_conf = std::move(after.text);
  plan.next_path = std::move(after.lua_package_path);
  plan.next_plugins = std::move(after.plugins);
  plan.restore_conf = std::move(back.text);
}

HostPlan begin(const Host& host, const HostRecord& record, std::vector<Manifest> releases) {
  HostPlan plan;
  plan.survey = host.survey(record);
  plan.releases = std::move(releases);
  plan.conf_path = plan.survey.facts.managed_path().string();
  find_moves(plan);
  return plan;
}

void require_running(HostPlan& plan) {
  if (plan.survey.facts.running) return;
  plan.refusals.push_back({"not-running", "", "", 0,
                           "Kong is not running on this host, so nothing could be proven",
                           "start Kong, then deploy"});
}

// What is not proven can't be proven on the way back either, and the host would be stranded. Over
// the loopback nothing is in between: there its workers may be crashing, and this be the cure.
void require_answer(HostPlan& plan) {
  const auto& facts = plan.survey.facts;
  if (facts.admin_look.kind != AdminLook::Kind::Silent || facts.admin_outer.empty()) return;
  plan.refusals.push_back(
      {"admin-api", "", "", 0,
       "the Admin API, " + facts.admin +
           ", does not answer the agent, so nothing could be proven: " + facts.admin_look.text,
       "open its address with IPAddressAllow=" + facts.admin_outer +
           " in a drop-in for kongfleet-agent.service, for which 'kongfleet check --hosts' has the "
           "command, or give admin_listen a listener of the loopback, such as 127.0.0.1:8001"});
}

}  // namespace

std::string plan_id(const HostRecord& record, const std::string& conf_text, const Digest& target) {
  const auto state = std::to_string(record.last_number) + " " + std::to_string(record.committed) +
                     " " + record.committed_digest + " " + sha256(conf_text).hex() + " " +
                     target.hex();
  return sha256(state).brief(16);
}

HostPlan plan_releases(const Host& host, const GenerationStore& store, const Config& config,
                       const HostRecord& record, std::vector<Manifest> releases) {
  auto plan = begin(host, record, std::move(releases));
  const auto digest = generation_digest(plan.releases);
  plan.id = plan_id(record, plan.survey.conf_text, digest);
  const auto now = record.committed == 0 ? generation_digest({}).hex() : record.committed_digest;
  const bool same = digest.hex() == now;
  plan.unchanged = same && plan.survey.drift.empty();
  if (plan.unchanged) {
    plan.generation = {record.committed, digest.brief()};
    plan.existing = true;
    return plan;
  }
  const bool back_to_baseline = plan.releases.empty();
  plan.existing = back_to_baseline;
  const auto kept = store.list();
  const auto highest = std::max(record.last_number, kept.empty() ? 0 : kept.back().number);
  plan.generation = {back_to_baseline ? 0 : highest + 1, digest.brief()};
  check_releases(plan);
  plan.missing = store.missing(plan.releases);
  for (const auto& file : plan.missing) plan.missing_bytes += file.size;
  check_space(plan, config, store.root());
  check_place(plan, store.root());
  check_settings(plan, config);
  edit_conf(plan, host, record);
  require_running(plan);
  require_answer(plan);
  return plan;
}

HostPlan plan_return(const Host& host, const GenerationStore& store, const Config&,
                     const HostRecord& record, std::uint64_t generation) {
  auto plan = begin(host, record, host.releases_of(generation));
  const auto digest = generation_digest(plan.releases);
  plan.id = plan_id(record, plan.survey.conf_text, digest);
  plan.generation = {generation, digest.brief()};
  plan.existing = true;
  plan.returns = true;
  plan.unchanged = generation == record.committed && plan.survey.drift.empty();
  if (plan.unchanged) return plan;
  if (!record.was_confirmed(generation)) {
    plan.refusals.push_back(
        {"unconfirmed", "", "", 0,
         "generation " + std::to_string(generation) + " was never confirmed on this host",
         "roll its releases out instead"});
  }
  if (generation != 0) {
    const auto damage = store.damage(plan.generation);
    if (!damage.empty()) {
      plan.refusals.push_back({"damaged", "", "", 0,
                               "generation " + plan.generation.text() + ": " + damage,
                               "roll the release out anew instead"});
    }
  }
  edit_conf(plan, host, record);
  return plan;  // also where Kong is down: it starts with what it is given then
}

}  // namespace kongfleet::agent
