// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that asks for the state of the database's migrations, and never changes it.
#include "agent/kong_node.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto list_timeout = 30s;
constexpr auto database_timeout = "20";  // seconds, of Kong's command: 60 by default
constexpr std::size_t names_max = 300;

// What `kong migrations list` exits with (kong/cmd/migrations.lua).
enum class State { Done = 0, Unknown = 1, Bootstrap = 3, Pending = 4, New = 5 };

State state_of(const ChildResult& result) {
  if (result.timed_out) return State::Unknown;
  switch (result.exit_code) {
    case 0:
      return State::Done;
    case 3:
      return State::Bootstrap;
    case 4:
      return State::Pending;
    case 5:
      return State::New;
    default:
      return State::Unknown;
  }
}

/// What stands below "New migrations available:": for each plugin, or "core", its migrations.
std::map<std::string, std::string> new_migrations(std::string_view output) {
  constexpr std::string_view title = "New migrations available:\n";
  std::map<std::string, std::string> found;
  const auto begin = output.find(title);
  if (begin == std::string_view::npos) return found;
  output.remove_prefix(begin + title.size());
  while (!output.empty() && output.front() != '\n') {
    auto line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(line.size() + 1, output.size()));
    line = without_blanks(line);
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) break;
    found[printable(line.substr(0, colon), names_max)] =
        printable(line.substr(colon + 2), names_max);
  }
  return found;
}

/// The command a person runs. A generation is not on this host before it is accepted, hence the two
/// variables: they make Kong find the migrations in a copy of it.
std::string command(const std::string& what, const GatewayFacts& facts,
                    const Candidate& candidate) {
  std::string path = candidate.lua_package_path;
  const auto ours = candidate.generation.string();
  for (auto at = path.find(ours); at != std::string::npos; at = path.find(ours, at))
    path.replace(at, ours.size(), "TREE");
  return "on ONE host of those that share the database, with the plugins copied below TREE "
         "(TREE/kong/plugins/NAME/…), run: KONG_PLUGINS=" +
         candidate.plugins + " KONG_LUA_PACKAGE_PATH='" + path + "' kong migrations " + what +
         " -c " + facts.conf.string();
}

Finding finding_of(const std::string& text, const std::string& advice) {
  Finding finding;
  finding.code = "migrations";
  finding.text = text;
  finding.advice = advice;
  return finding;
}

Finding warning_of(const std::string& text, const std::string& advice) {
  auto finding = finding_of(text, advice);
  finding.warning = true;
  return finding;
}

/// `ours`: plugins that bring migrations, and where.
std::vector<Finding> judge(const ChildResult& result, const GatewayFacts& facts,
                           const Candidate& candidate,
                           const std::map<std::string, std::string>& ours) {
  const auto state = state_of(result);
  const auto fresh = new_migrations(result.output);
  if (state == State::Done) return {};
  if (state == State::Bootstrap)
    return {
        finding_of("the database was never bootstrapped", command("bootstrap", facts, candidate))};
  if (state == State::Unknown)
    return {warning_of("whether the migrations of the plugins ran could not be asked: " +
                           (result.timed_out ? std::string("no answer in time")
                                             : findings_in(result.text(), "").front().text),
                       "ask `kong migrations list`: Kong refuses to load them until they ran")};
  const std::string finish =
      "once every host that shares the database runs the code that began them, run on one of them: "
      "kong migrations finish -c " +
      facts.conf.string();
  const bool begun = state == State::Pending;
  if (begun && fresh.empty())
    return {warning_of("the database has migrations that were begun and not finished", finish)};
  const auto advice = (begun ? finish + "; then, " : "") + command("up", facts, candidate);
  std::vector<Finding> findings;
  for (const auto& [plugin, names] : fresh) {
    findings.push_back(finding_of("migrations of " + plugin + " have not run in the database (" +
                                      names + "): until they did, Kong refuses to load it",
                                  advice));
    if (const auto found = ours.find(plugin); found != ours.end()) {
      findings.back().plugin = plugin;
      findings.back().file = found->second;
    }
  }
  if (findings.empty())
    findings.push_back(finding_of("there are migrations that have not run", advice));
  return findings;
}

}  // namespace

std::vector<Finding> KongNode::unrun_migrations(const GatewayFacts& facts,
                                                const std::optional<KongUnit>& owner,
                                                const Candidate& candidate, Time deadline) const {
  if (!candidate.database || candidate.generation.empty()) return {};
  auto ours = plugins_with_migrations(candidate.generation);
  const auto listed = split_list(candidate.plugins);
  std::erase_if(ours, [&](const auto& entry) {
    return std::find(listed.begin(), listed.end(), entry.first) == listed.end();
  });
  if (ours.empty()) return {};
  const ScratchDirectory scratch(config_.state);
  const auto conf = scratch.write("kong.conf", candidate.conf);
  const auto prefix = scratch.make_directory("k");
  if (const auto user = reloading_user(facts, owner)) scratch.give_to(*user);
  const auto result = run_as_reloaded(
      facts, owner,
      {"migrations", "list", "--db-timeout", database_timeout, "-c", conf.string(), "-p",
       prefix.string()},
      {"KONG_LUA_PACKAGE_PATH=" + candidate.lua_package_path, "KONG_PLUGINS=" + candidate.plugins},
      std::min(deadline, std::chrono::steady_clock::now() + list_timeout));
  return judge(result, facts, candidate, ours);
}

}  // namespace kongfleet::agent
