// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/host.hpp"

#include "agent/live_file.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <set>

namespace fs = std::filesystem;

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
  seen.conf_text = LiveFile(seen.facts.conf).read();
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
      found.push_back("configuration: " + seen.facts.conf.string() +
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
  const auto edited = edit_for(seen.conf_text, seen.facts.version, record.committed, seen.releases);
  if (const auto* problem = std::get_if<ConfProblem>(&edited)) {
    found.push_back("configuration: " + conf_problem_text(seen.facts.conf, *problem));
    return found;
  }
  const auto& intended = std::get<Edited>(edited);
  for (const auto& line : intended.lines) {
    found.push_back("configuration: " + seen.facts.conf.string() + ":" + std::to_string(line.line) +
                    ": should be '" + line.after + "'");
  }
  if (!seen.facts.running) {
    found.push_back("workers: Kong is not running");
  } else if (seen.facts.effective_path != intended.lua_package_path) {
    found.push_back("workers: Kong runs with lua_package_path '" + seen.facts.effective_path +
                    "', not with generation " + std::to_string(record.committed));
  }
  return found;
}

HostState Host::state(const HostRecord& record) const {
  HostState state;
  state.generation = record.committed;
  state.generation_digest = record.committed_digest;
  state.state = "ready";
  const auto kept = store_.list();
  for (auto id = kept.rbegin(); id != kept.rend(); ++id) state.generations.push_back(id->number);
  try {
    const auto seen = survey(record);
    state.kong_version = seen.facts.version;
    state.role = seen.facts.role;
    state.kong_conf = seen.facts.conf.string();
    state.unit = seen.facts.unit;
    state.drift = seen.drift;
    if (seen.facts.running) state.draining = gateway_.draining(seen.facts);
    for (const auto& release : seen.releases) state.releases.push_back(release_state(release));
  } catch (const std::exception& error) {
    state.state = "unmanageable";
    state.advice = error.what();
  }
  return state;
}

// Every plugin some kept generation brought and kong.conf lists: those we may take out of the list
// again.
std::vector<std::string> Host::plugins_of_ours(const std::string& text,
                                               const std::string& kong_version) const {
  const auto baseline = load_baseline(baseline_path());
  if (!baseline) return {};
  const auto parsed = KongConf::parse(text, dialect_of(kong_version));
  const auto* conf = std::get_if<KongConf>(&parsed);
  if (conf == nullptr) return {};
  std::set<std::string> brought;
  for (const auto& id : store_.list()) {
    try {
      for (const auto& release : store_.releases(id)) brought.insert(release.name().text());
    } catch (const std::exception&) {
      continue;  // damaged, or just being collected: what it brought is known from others, or stays
                 // listed
    }
  }
  std::vector<std::string> ours;
  for (const auto& name : split_list(conf->value("plugins").value_or(""))) {
    if (brought.contains(name) && !baseline->lists(name)) ours.push_back(name);
  }
  return ours;
}

std::variant<Edited, ConfProblem> Host::edit_for(const std::string& text,
                                                 const std::string& kong_version,
                                                 std::uint64_t generation,
                                                 const std::vector<Manifest>& releases) const {
  Change change;
  change.generations_root = store_.root().string();
  if (generation != 0) {
    change.generation_dir =
        store_.directory({generation, generation_digest(releases).brief()}).string();
  }
  for (const auto& release : releases) change.add_plugins.push_back(release.name().text());
  change.remove_plugins = plugins_of_ours(text, kong_version);
  return edit(text, dialect_of(kong_version), change);
}

bool Host::adopt(const HostRecord& record, const Survey& survey) const {
  const auto known = load_baseline(baseline_path());
  const bool pristine = record.committed == 0 &&
                        survey.conf_text.find(store_.root().string() + "/") == std::string::npos;
  if (known && !pristine) return false;
  const auto parsed = KongConf::parse(survey.conf_text, dialect_of(survey.facts.version));
  const auto* conf = std::get_if<KongConf>(&parsed);
  if (conf == nullptr)
    throw Error(conf_problem_text(survey.facts.conf, std::get<ConfProblem>(parsed)));
  const Baseline baseline{survey.facts.conf.string(), conf->value("lua_package_path"),
                          conf->value("plugins")};
  if (known == baseline) return false;
  save_baseline(baseline_path(), baseline);
  return true;
}

void Host::settle(const HostRecord& record, const GatewayFacts& facts) const {
  const LiveFile live(facts.conf);
  if (record.earlier.empty()) return live.settle(std::nullopt);
  const auto before = record.earlier.back();
  const auto edited = edit_for(live.read(), facts.version, before, releases_of(before));
  const auto* back = std::get_if<Edited>(&edited);
  live.settle(back == nullptr ? std::nullopt : std::optional(back->text));
}

}  // namespace kongfleet::agent
