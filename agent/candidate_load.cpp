// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that has Kong itself read a candidate, away from the live node.
#include "agent/candidate_check.hpp"
#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "agent/kong_processes.hpp"
#include "proto/error.hpp"

#include <unistd.h>

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Kong reads a candidate in 0.2 to 0.6 s; a busy machine takes ten times that. What takes longer
// hangs the master as well, which then hears no signal any more.
constexpr auto load_timeout = 30s;
constexpr auto config_timeout = 10s;

/// What `kong config parse` gets to see instead of what surrounds the candidate: no database to
/// connect to, and the candidate's own two values whatever else sets them.
std::vector<std::string> scratch_environment(const std::string& path, const std::string& plugins) {
  return {"KONG_DATABASE=off", "KONG_ROLE=traditional",
          "KONG_CLUSTER_DP_LABELS=", "KONG_LUA_PACKAGE_PATH=" + path, "KONG_PLUGINS=" + plugins};
}

bool loads_plugins(const Candidate& candidate) {
  const auto listed = split_list(candidate.plugins);
  return !listed.empty() && listed.front() != "off";
}

bool about_config(const Finding& finding) { return finding.code == "config"; }

Finding warning(const std::string& code, const std::string& text, const std::string& advice) {
  Finding finding;
  finding.code = code;
  finding.text = text;
  finding.advice = advice;
  finding.warning = true;
  return finding;
}

}  // namespace

std::optional<UnixUser> KongNode::reloading_user(const GatewayFacts& facts,
                                                 const std::optional<KongUnit>& owner) const {
  const UnixUsers users(paths_.passwd, paths_.group);
  if (owner) return owner->user.empty() ? std::nullopt : users.find(owner->user);
  const auto master = KongProcesses(facts.prefix, paths_.proc).master();
  if (!master || ::geteuid() != 0) return std::nullopt;
  return users.find(master->uid);
}

ChildResult KongNode::run_as_reloaded(const GatewayFacts& facts,
                                      const std::optional<KongUnit>& owner,
                                      const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& extra, Time deadline) const {
  ChildResult result{127, false, "", "unsupported"};
  if (owner) {
    std::vector<std::string> argv{facts.binary.string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    // Passwords among them: in a file, for arguments are for everybody to see.
    const ScratchDirectory scratch(config_.state);
    KongUnit like = *owner;
    like.environment_files.insert(like.environment_files.begin(),
                                  scratch.write("environment", own_variables(*owner)));
    result = systemd_.run_like(like, argv, extra, {"KONG_PREFIX"}, deadline);
  }
  // By hand, or by an old systemd: with our own rights.
  if (result.exit_code == 127 && result.errors == "unsupported")
    result = run_kong(facts, arguments, extra, deadline);
  return result;
}

KongNode::Declared KongNode::declared_for(const GatewayFacts& facts, const Candidate& candidate,
                                          const ScratchDirectory& scratch,
                                          std::vector<Finding>& findings) const {
  if (!candidate.database && !candidate.declarative.empty()) return {candidate.declarative, false};
  const bool ask =
      !candidate.database && facts.role != "data_plane" && facts.running && !facts.admin.empty();
  const auto config = ask ? admin_.config(facts.admin, Clock::now() + config_timeout)
                          : KongAdmin::Config{std::nullopt, ""};
  if (config.text) return {scratch.write("config.yml", *config.text), true};
  if (ask)
    findings.push_back(
        warning("config",
                "the configuration that Kong was given by POST /config can't be had (" +
                    config.why + "): whether it fits the new schemas shows after the reload only",
                "have a probe use what the plugins do"));
  return {"", false};
}

/// One candidate, loaded as often as it takes to tell all that is wrong with it.
class KongNode::Loading {
public:
  Loading(const KongNode& node, const GatewayFacts& facts, const std::optional<KongUnit>& owner,
          const Candidate& candidate, Time deadline)
      : node_(node),
        facts_(facts),
        owner_(owner),
        candidate_(candidate),
        deadline_(deadline),
        scratch_(node.config_.state) {
    declared_ = node.declared_for(facts, candidate, scratch_, report_.findings);
    const bool kong2 = !version_at_least(facts.version, 3, 0);
    empty_ = scratch_.write("empty.yml",
                            std::string("_format_version: \"") + (kong2 ? "2.1" : "3.0") + "\"\n");
    conf_ = scratch_.write("kong.conf", candidate.conf);
    for (const char* prefix : {"k", "l"}) scratch_.make_directory(prefix);
    if (!candidate.generation.empty() && loads_plugins(candidate))
      check_.emplace(scratch_.make_directory("c"), candidate);
    if (const auto user = node.reloading_user(facts, owner)) scratch_.give_to(*user);
  }

  PreflightReport run() {
    const auto& path = check_ ? check_->lua_package_path() : candidate_.lua_package_path;
    const auto result = parse("k", path, check_ ? check_->plugins() : candidate_.plugins);
    auto told = check_ ? check_->report() : CheckReport{.complete = true};
    // Kong stopped at something else before it came to the check.
    if (!loaded(result) && !told.complete) {
      parse("l", path, check_->name());
      told = check_->report();
    }
    report_.versions = told.versions;
    auto found = load_findings(result, told, candidate_);
    blame_config(found);
    report_.findings.insert(report_.findings.end(), found.begin(), found.end());
    return std::move(report_);
  }

private:
  ChildResult parse(const std::string& prefix, const std::string& path,
                    const std::string& plugins) const {
    const bool alone = check_ && plugins == check_->name();
    const auto& file = declared_.file.empty() || alone ? empty_ : declared_.file;
    // A first run that hangs leaves time for one that tells where.
    const auto now = Clock::now();
    const auto left = alone ? deadline_ - now : (deadline_ - now) / 2;
    return node_.run_as_reloaded(facts_, owner_,
                                 {"config", "parse", file.string(), "-c", conf_.string(), "-p",
                                  (scratch_.path() / prefix).string()},
                                 scratch_environment(path, plugins),
                                 now + std::min<Clock::duration>(load_timeout, left));
  }

  /// The file that does not fit is told. What a running Kong tells of its configuration may not be
  /// what it takes: then it is not the candidate's fault.
  void blame_config(std::vector<Finding>& found) const {
    for (auto& finding : found)
      if (about_config(finding) && finding.file.empty() && !declared_.exported)
        finding.file = declared_.file.string();
    const bool doubtful = declared_.exported && !found.empty() &&
                          std::all_of(found.begin(), found.end(), about_config);
    if (!doubtful || loaded(parse("l", facts_.effective_path, facts_.effective_plugins))) return;
    for (auto& finding : found) finding.warning = true;
  }

  const KongNode& node_;
  const GatewayFacts& facts_;
  const std::optional<KongUnit>& owner_;
  const Candidate& candidate_;
  const Time deadline_;
  const ScratchDirectory scratch_;
  PreflightReport report_;
  Declared declared_;
  fs::path empty_;  // a declarative configuration with nothing in it
  fs::path conf_;
  std::optional<CandidateCheck> check_;
};

PreflightReport KongNode::load_candidate(const GatewayFacts& facts,
                                         const std::optional<KongUnit>& owner,
                                         const Candidate& candidate, Time deadline) const {
  return Loading(*this, facts, owner, candidate, deadline).run();
}

}  // namespace kongfleet::agent
