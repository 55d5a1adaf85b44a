// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/host.hpp"

#include "agent/durable_file.hpp"
#include "agent/host_paths.hpp"
#include "agent/live_file.hpp"
#include "agent/lua_path.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <set>

namespace kongfleet::agent {

namespace {

std::string conf_problem_text(const fs::path& conf, const ConfProblem& problem) {
  const auto where = problem.line == 0 ? "" : ":" + std::to_string(problem.line);
  return conf.string() + where + ": " + problem.reason;
}

ReleaseState release_state(const Manifest& release) {
  return {release.name().text(), release.version().text(), release.digest().hex()};
}

}  // namespace

Host::Host(const Config& config, Gateway& gateway, const GenerationStore& store)
    : config_(config), gateway_(gateway), store_(store) {}

std::vector<Manifest> Host::releases_of(std::uint64_t generation) const {
  if (generation == 0) return {};
  const auto id = store_.find(generation);
  if (!id) throw Error("generation " + std::to_string(generation) + " is not kept on this host");
  return store_.releases(*id);
}

Survey Host::survey(const HostRecord& record) const {
  Survey seen;
  seen.facts = gateway_.inspect();
  if (seen.facts.manageable()) seen.conf_text = LiveFile(seen.facts.managed_path()).read();
  try {
    seen.releases = releases_of(record.committed);
    seen.known = true;
    seen.drift = drift(record, seen);
  } catch (const std::exception& error) {
    seen.drift.push_back(std::string("files: ") + error.what());  // a rollout of anything mends it
  }
  return seen;
}

std::vector<std::string> Host::drift(const HostRecord& record, const Survey& seen) const {
  std::vector<std::string> found;
  if (record.committed == 0) {
    const auto ours = store_.root().string() + "/";
    if (seen.conf_text.find(ours) != std::string::npos) {
      found.push_back("configuration: " + seen.facts.managed_path().string() +
                      " names a generation that was never confirmed");
    }
    if (seen.facts.running && seen.facts.effective_path.find(ours) != std::string::npos) {
      found.push_back("workers: Kong runs a generation that was never confirmed");
    }
    return found;
  }
  const auto id = store_.find(record.committed);
  const auto damage = store_.damage(*id);
  if (!damage.empty()) found.push_back("files: " + damage);
  for (const auto& obstacle : seen.facts.obstacles) {
    if (!obstacle.warning) found.push_back("configuration: " + sentence(obstacle));
  }
  if (!seen.facts.manageable()) return found;
  const auto edited = edit_for(seen.conf_text, seen.facts, record.committed, seen.releases);
  if (const auto* problem = std::get_if<ConfProblem>(&edited)) {
    found.push_back("configuration: " + conf_problem_text(seen.facts.managed_path(), *problem));
    return found;
  }
  const auto& intended = std::get<Edited>(edited);
  for (const auto& line : intended.lines) {
    found.push_back("configuration: " + seen.facts.managed_path().string() + ":" +
                    std::to_string(line.line) + ": should be '" + line.after + "'");
  }
  find_shadow(record, seen, found);
  if (!seen.facts.running) {
    found.push_back("workers: Kong is not running");
  } else if (seen.facts.effective_path != intended.lua_package_path) {
    found.push_back("workers: Kong runs with lua_package_path '" + seen.facts.effective_path +
                    "', not with generation " + std::to_string(record.committed));
  }
  return found;
}

// Somebody put an entry before ours that has a module of ours: Lua takes the first.
void Host::find_shadow(const HostRecord& record, const Survey& seen,
                       std::vector<std::string>& found) const {
  const auto read =
      read_values(seen.conf_text, seen.facts.managed.kind, dialect_of(seen.facts.version));
  const auto* values = std::get_if<KeyValues>(&read);
  const auto id = store_.find(record.committed);
  if (values == nullptr || !values->lua_package_path || !id) return;
  std::vector<fs::path> modules;
  for (const auto& release : seen.releases) {
    for (const auto& file : release.files()) modules.emplace_back(file.path.text());
  }
  const LuaSearch search{*values->lua_package_path, seen.facts.directory, HostPaths().lua_roots};
  const auto shadow = shadow_before(search, store_.directory(*id), modules);
  if (!shadow) return;
  found.push_back("configuration: '" + shadow->entry +
                  "' stands before our own entry, and Kong loads '" + shadow->file.string() +
                  "' from there");
}

HostState Host::state(const HostRecord& record) const {
  HostState state;
  state.generation = record.committed;
  state.generation_digest = record.committed_digest;
  state.state = "ready";
  if (!record.earlier.empty()) state.before = record.earlier.back();
  const auto kept = store_.list();
  for (auto id = kept.rbegin(); id != kept.rend(); ++id) state.generations.push_back(id->number);
  try {
    const auto seen = survey(record);
    state.kong_version = seen.facts.version;
    state.role = seen.facts.role;
    state.kong_conf = seen.facts.managed_path().string();
    state.unit = seen.facts.unit;
    state.drift = seen.drift;
    if (seen.facts.running) state.draining = gateway_.draining(seen.facts);
    // systemd may be starting it again and again, in vain.
    if (!seen.facts.running) gateway_.make_way(seen.facts);
    for (const auto& release : seen.releases) state.releases.push_back(release_state(release));
  } catch (const std::exception& error) {
    state.state = "unmanageable";
    state.advice = error.what();
  }
  return state;
}

// Every plugin some kept generation brought and the managed file lists: those we may take out of
// the list again.
std::vector<std::string> Host::plugins_of_ours(const std::string& text,
                                               const GatewayFacts& facts) const {
  const auto known = baseline();
  if (!known) return {};
  const auto read = read_values(text, facts.managed.kind, dialect_of(facts.version));
  const auto* values = std::get_if<KeyValues>(&read);
  if (values == nullptr) return {};
  const auto listed = values->plugins ? values->plugins : facts.managed.elsewhere.plugins;
  std::set<std::string> brought;
  for (const auto& id : store_.list()) brought.merge(store_.plugins(id));
  std::vector<std::string> ours;
  for (const auto& name : split_list(listed.value_or(""))) {
    if (brought.contains(name) && !known->lists(name)) ours.push_back(name);
  }
  return ours;
}

std::variant<Edited, ConfProblem> Host::edit_for(const std::string& text, const GatewayFacts& facts,
                                                 std::uint64_t generation,
                                                 const std::vector<Manifest>& releases) const {
  Change change;
  change.generations_root = store_.root().string();
  if (generation != 0) {
    change.generation_dir =
        store_.directory({generation, generation_digest(releases).brief()}).string();
  }
  for (const auto& release : releases) change.add_plugins.push_back(release.name().text());
  change.remove_plugins = plugins_of_ours(text, facts);
  return edit_managed(text, facts.managed, dialect_of(facts.version), change);
}

bool Host::adopt(const HostRecord& record, const Survey& survey) const {
  const auto known = baseline();
  const bool pristine = record.committed == 0 &&
                        survey.conf_text.find(store_.root().string() + "/") == std::string::npos;
  if (known && !pristine) return false;
  const auto& facts = survey.facts;
  const auto read = read_values(survey.conf_text, facts.managed.kind, dialect_of(facts.version));
  const auto* values = std::get_if<KeyValues>(&read);
  if (values == nullptr)
    throw Error(conf_problem_text(facts.managed_path(), std::get<ConfProblem>(read)));
  const auto& elsewhere = facts.managed.elsewhere;
  const Baseline baseline{
      facts.managed_path().string(),
      values->lua_package_path ? values->lua_package_path : elsewhere.lua_package_path,
      values->plugins ? values->plugins : elsewhere.plugins};
  if (known == baseline) return false;
  save_baseline(baseline_path(), baseline);
  return true;
}

std::string Host::configuration_text(const GatewayFacts& facts) const {
  std::string text;
  if (facts.manageable()) text = LiveFile(facts.managed_path()).read();
  std::string conf;
  if (facts.managed_path() != facts.conf && read_file_if_there(facts.conf, conf)) text += conf;
  return text;
}

void Host::settle(const HostRecord& record, const GatewayFacts& facts) const {
  if (!facts.manageable()) return;
  const LiveFile live(facts.managed_path());
  if (record.earlier.empty()) return live.settle(std::nullopt);
  const auto before = record.earlier.back();
  const auto edited = edit_for(live.read(), facts, before, releases_of(before));
  const auto* back = std::get_if<Edited>(&edited);
  live.settle(back == nullptr ? std::nullopt : std::optional(back->text));
}

}  // namespace kongfleet::agent
