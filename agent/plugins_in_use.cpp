// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that asks whether configuration uses a plugin that is to go.
#include "agent/kong_node.hpp"
#include "proto/bundled_plugins.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;

// GET / reads all plugin entities of the database.
constexpr auto question_timeout = 5s;
constexpr std::size_t name_max = 100;

/// What `plugins` lists, now and as it was.
struct Lists {
  std::vector<std::string> before;
  std::vector<std::string> next;

  static bool has(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  }
  /// `bundled` stands for more in some editions than we know of: what was there without being named
  /// came by that word.
  bool keeps(const std::string& plugin) const {
    if (has(next, plugin)) return true;
    return has(next, "bundled") && (is_bundled_plugin(plugin) || !has(before, plugin));
  }
  std::vector<std::string> leaving() const {
    std::vector<std::string> names;
    for (const auto& plugin : before)
      if (plugin != "bundled" && !keeps(plugin)) names.push_back(plugin);
    return names;
  }
};

Finding in_use(const std::string& plugin, const GatewayFacts& facts, const Candidate& candidate) {
  Finding finding;
  finding.code = "in-use";
  finding.plugin = printable(plugin, name_max);
  finding.file = facts.managed_path().string();
  finding.line = candidate.plugins_line;
  finding.text = "the plugin leaves `plugins`, but configuration uses it: Kong would " +
                 std::string(candidate.database ? "reject the reload"
                                                : "reload into workers that are degraded");
  finding.advice =
      "take it out of the configuration first (GET /plugins of the Admin API names each use), or "
      "leave it in `plugins`";
  return finding;
}

Finding not_known(const std::string& plugin, const std::string& why) {
  Finding finding;
  finding.code = "in-use";
  finding.plugin = printable(plugin, name_max);
  finding.warning = true;
  finding.text = "the plugin leaves `plugins`; whether configuration uses it can't be asked here" +
                 (why.empty() ? "" : ": " + printable(why, 500));
  finding.advice = "make sure that none does: workers that come up without it are taken back";
  return finding;
}

}  // namespace

std::vector<Finding> KongNode::plugins_in_use(const GatewayFacts& facts, const Candidate& candidate,
                                              Time deadline) const {
  // `kong config parse` reads that file, as the reload will.
  if (!candidate.database && !candidate.declarative.empty() && facts.role != "data_plane")
    return {};
  const Lists lists{split_list(facts.effective_plugins), split_list(candidate.plugins)};
  std::string why = facts.role == "data_plane" ? "only the control plane knows" : "";
  AdminAnswer answer;
  if (!facts.admin.empty() && facts.running && why.empty()) {
    const auto limit = std::chrono::steady_clock::now() + question_timeout;
    answer = admin_.root(facts.admin, std::min(deadline, limit));
    why = answer.text;
  }
  std::vector<Finding> findings;
  if (answer.root.in_use) {
    for (const auto& plugin : *answer.root.in_use)
      if (!lists.keeps(plugin)) findings.push_back(in_use(plugin, facts, candidate));
  } else {
    for (const auto& plugin : lists.leaving()) findings.push_back(not_known(plugin, why));
  }
  return findings;
}

}  // namespace kongfleet::agent
