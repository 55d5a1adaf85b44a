// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_line.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace kongfleet::controller {

namespace {

using Arguments = std::vector<std::string>;

Invocation parse(const Arguments& arguments) {
  auto result = parse_command_line(arguments);
  if (const auto* leave = std::get_if<Leave>(&result)) FAIL(leave->to_stderr);
  return std::get<Invocation>(result);
}

template <class Kind>
Kind command(const Arguments& arguments) {
  return std::get<Kind>(parse(arguments).command);
}

std::string mistake(const Arguments& arguments) {
  const auto result = parse_command_line(arguments);
  const auto* leave = std::get_if<Leave>(&result);
  if (leave == nullptr) return "(no mistake)";
  CHECK(leave->exit_code == 1);
  CHECK(leave->to_stdout.empty());
  CHECK(std::count(leave->to_stderr.begin(), leave->to_stderr.end(), '\n') == 1);
  return leave->to_stderr.substr(0, leave->to_stderr.size() - 1);
}

}  // namespace

TEST_CASE("every command is understood") {
  CHECK(command<InitCommand>({"init"}).directory == ".");
  CHECK(command<InitCommand>({"init", "d"}).directory == "d");
  CHECK_FALSE(command<CheckCommand>({"check"}).hosts);
  CHECK(command<CheckCommand>({"check", "--hosts"}).hosts);
  CHECK(command<CheckCommand>({"check", "--hosts", "edge", "!edge-03"}).selectors ==
        Arguments{"edge", "!edge-03"});
  CHECK(command<PlanCommand>({"plan"}).selectors.empty());
  CHECK(command<PlanCommand>({"plan", "edge", "!edge-03"}).selectors ==
        Arguments{"edge", "!edge-03"});
  CHECK_FALSE(command<RolloutCommand>({"rollout"}).yes);
  CHECK(command<RolloutCommand>({"rollout", "-y", "edge-01*"}).selectors == Arguments{"edge-01*"});
  CHECK(command<RolloutCommand>({"rollout", "--yes"}).yes);
  CHECK(command<StatusCommand>({"status", "edge"}).selectors == Arguments{"edge"});
}

TEST_CASE("sync may be told to wait first, for a day at most") {
  CHECK(command<SyncCommand>({"sync"}).splay.count() == 0);
  const auto sync = command<SyncCommand>({"sync", "--splay", "10m", "edge"});
  CHECK(sync.splay == std::chrono::minutes(10));
  CHECK(sync.selectors == Arguments{"edge"});
  for (const auto* wrong : {"25h", "10", "soon", "-1s"}) {
    CHECK(mistake({"sync", "--splay=" + std::string(wrong)}) ==
          "kongfleet: found '" + std::string(wrong) +
              "' for --splay; it is a duration of at most 1d, such as \"90s\" or \"10m\"");
  }
}

TEST_CASE("a command is known by its name, whatever stands before it") {
  CHECK(parse({"-f", "x.toml", "--output", "json", "rollout"}).name == "rollout");
  CHECK(parse({"history", "-f", "x.toml"}).name == "history");
}

TEST_CASE("rollback takes a generation's number") {
  CHECK_FALSE(command<RollbackCommand>({"rollback"}).to);
  CHECK(command<RollbackCommand>({"rollback", "--to", "0", "edge"}).to == 0);
  CHECK(command<RollbackCommand>({"rollback", "--to=17", "-y"}).to == 17);
  CHECK(command<RollbackCommand>({"rollback", "--rollout", "latest", "edge"}).rollout == "latest");
  CHECK(mistake({"rollback", "--rollout=r", "--to=1"}) == "kongfleet: --to excludes --rollout");
  // As of a variable that is not set: it must not become a rollback of everything.
  CHECK(
      mistake({"rollback", "--yes", "--rollout", ""}) ==
      "kongfleet: found nothing for --rollout; it is a rollout's ID, as 'kongfleet history' shows "
      "them");
  CHECK(mistake({"rollback", "--to", "-1"}).starts_with("kongfleet: found '-1' for --to"));
  CHECK(mistake({"rollback", "--to", "99999999999999999999"}).find("for --to") !=
        std::string::npos);
}

TEST_CASE("resume, abort and show take the ID of a rollout, history a number") {
  CHECK(command<ResumeCommand>({"resume", "rollout-1"}).id == "rollout-1");
  CHECK(command<ResumeCommand>({"resume", "-y", "latest"}).yes);
  CHECK(command<AbortCommand>({"abort", "latest"}).id == "latest");
  CHECK(command<ShowCommand>({"show", "latest"}).id == "latest");
  CHECK(command<ReportCommand>({"report", "latest"}).output.empty());
  CHECK(command<ReportCommand>({"report", "latest", "-o", "x.html"}).output == "x.html");
  CHECK(command<StatusCommand>({"status", "--watch"}).watch);
  CHECK_FALSE(command<StatusCommand>({"status"}).watch);
  for (const std::string name : {"resume", "abort", "show", "report"}) {
    CHECK(mistake({name}) == "kongfleet: " + name +
                                 " needs the ID of a rollout, as 'kongfleet "
                                 "history' shows it, or 'latest'");
  }
  CHECK(command<HistoryCommand>({"history"}).limit == 20);
  CHECK(command<HistoryCommand>({"history", "--limit", "3"}).limit == 3);
  for (const auto* wrong : {"0", "-1", "many", "100001"}) {
    CHECK(mistake({"history", "--limit", wrong}).find("for --limit") != std::string::npos);
  }
}

TEST_CASE("bootstrap takes a package, a login and selectors") {
  const auto brief = command<BootstrapCommand>({"bootstrap", "--package", "a.deb"});
  CHECK(brief.package == "a.deb");
  CHECK(brief.login == "root");
  CHECK_FALSE(brief.sudo);
  const auto whole = command<BootstrapCommand>(
      {"bootstrap", "--package", "a.deb", "--login", "admin", "--sudo", "--identity", "k",
       "--identity", "l", "--key", "k.pub", "--dry-run", "--yes", "edge", "!edge-03"});
  CHECK(whole.login == "admin");
  CHECK(whole.sudo);
  CHECK(whole.identities == std::vector<std::filesystem::path>{"k", "l"});
  CHECK(whole.key == "k.pub");
  CHECK(whole.dry_run);
  CHECK(whole.yes);
  CHECK(whole.selectors == std::vector<std::string>{"edge", "!edge-03"});
  const auto last =
      command<BootstrapCommand>({"bootstrap", "--package", "a.deb", "--identity", "k", "edge"});
  CHECK(last.selectors == std::vector<std::string>{"edge"});
  CHECK(std::get<Leave>(parse_command_line({"bootstrap"})).to_stderr ==
        "kongfleet: bootstrap needs the agent's package: kongfleet bootstrap --package "
        "kongfleet-agent.deb\n");
}

TEST_CASE("pack signs for a fleet, with a serial and an end") {
  CHECK_FALSE(command<PackCommand>({"pack", "tree"}).signing);
  const auto brief = command<PackCommand>({"pack", "tree", "--sign", "k", "--fleet", "edge"});
  CHECK(brief.signing->key == "k");
  CHECK(brief.signing->fleet == "edge");
  CHECK_FALSE(brief.signing->serial);
  CHECK(std::get<0>(brief.signing->expires) == std::chrono::hours(24 * 90));
  const auto whole = command<PackCommand>({"pack", "tree", "--sign", "k", "--fleet", "edge",
                                           "--serial", "12", "--expires", "2027-02-27T14:00:00Z"});
  CHECK(whole.signing->serial == 12);
  const auto beside = command<PackCommand>(
      {"pack", "--sign", "k", "--fleet", "edge", "--with", "a.kfb", "--with", "b.kfb", "tree"});
  CHECK(beside.tree == "tree");
  CHECK(beside.signing->with == std::vector<std::filesystem::path>{"a.kfb", "b.kfb"});
  CHECK(std::get<1>(whole.signing->expires) == 1'803'736'800);
  const auto refused = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"pack", "tree"});
    return std::get<Leave>(parse_command_line(more)).to_stderr;
  };
  CHECK(refused({"--fleet", "edge"}) ==
        "kongfleet: --fleet is what a signature promises; add --sign KEY, or leave it out\n");
  CHECK_THAT(refused({"--sign", "k"}),
             Catch::StartsWith("kongfleet: found no --fleet; --sign needs"));
  CHECK_THAT(refused({"--sign", "k", "--fleet", "../e"}),
             Catch::Contains("found '../e' for --fleet"));
  CHECK(refused({"--sign", "k", "--fleet", "e", "--serial", "-1"}) ==
        "kongfleet: found '-1' for --serial; it is a whole number from 1 to 999999999999999999\n");
  CHECK(refused({"--sign", "k", "--fleet", "e", "--expires", "soon"}) ==
        "kongfleet: found 'soon' for --expires; it is a duration such as 90d, or a time such as "
        "2027-02-26T14:00:00Z\n");
}

TEST_CASE("pack takes a tree, a bundle, a name and a version") {
  const auto pack = command<PackCommand>(
      {"pack", "tree", "-o", "x.kfb", "--name", "my-plugin", "--release-version", "1.2.0"});
  CHECK(pack.tree == "tree");
  CHECK(pack.output == "x.kfb");
  CHECK(pack.name->text() == "my-plugin");
  CHECK(pack.version->text() == "1.2.0");
  CHECK(command<PackCommand>({"pack", "tree"}).output.empty());
}

TEST_CASE("global options stand before or after the command") {
  const auto plain = parse({"plan"});
  CHECK(plain.global.fleet_file == "fleet.toml");
  CHECK(plain.global.output == OutputFormat::Text);
  for (const auto& arguments : {Arguments{"-f", "x.toml", "--output", "json", "plan", "edge"},
                                Arguments{"plan", "edge", "--file=x.toml", "--output=json"},
                                Arguments{"plan", "-f", "x.toml", "edge", "--output", "json"}}) {
    const auto invocation = parse(arguments);
    CHECK(invocation.global.fleet_file == "x.toml");
    CHECK(invocation.global.output == OutputFormat::Json);
    CHECK(std::get<PlanCommand>(invocation.command).selectors == Arguments{"edge"});
  }
}

TEST_CASE("a selector may have a command's name") {
  CHECK(command<PlanCommand>({"plan", "check", "init"}).selectors == Arguments{"check", "init"});
}

TEST_CASE("help and version go to stdout, with exit code 0") {
  for (const auto& arguments : {Arguments{"--help"}, Arguments{"-h"}, Arguments{"plan", "--help"},
                                Arguments{"--version"}}) {
    const auto leave = std::get<Leave>(parse_command_line(arguments));
    CHECK(leave.exit_code == 0);
    CHECK(leave.to_stderr.empty());
    CHECK_FALSE(leave.to_stdout.empty());
  }
  const auto help = std::get<Leave>(parse_command_line({"--help"})).to_stdout;
  for (const auto* name :
       {"init", "check", "pack", "plan", "rollout", "rollback", "status", "sync"}) {
    CHECK(help.find(name) != std::string::npos);
  }
}

TEST_CASE("a mistake in the arguments is one line that says what would be right") {
  const std::string commands =
      "'init', 'check', 'pack', 'export', 'plan', 'rollout', 'rollback', 'resume', 'abort', "
      "'history', "
      "'show', 'report', 'status', 'bootstrap' and 'sync'";
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{}, "there is no command; it is one of " + commands},
      {{"rolout"}, "unknown command 'rolout'; did you mean 'rollout'?"},
      {{"deploy"}, "unknown command 'deploy'; it is one of " + commands},
      {{"--fle", "x", "plan"}, "unknown option '--fle' of plan; did you mean '--file'?"},
      {{"rollout", "--yess"}, "unknown option '--yess' of rollout; did you mean '--yes'?"},
      {{"rollout", "--force"},
       "unknown option '--force' of rollout; see 'kongfleet rollout --help'"},
      {{"status", "--follow"},
       "unknown option '--follow' of status; see 'kongfleet status --help'"},
      {{"plan", "-x"}, "unknown option '-x' of plan; see 'kongfleet plan --help'"},
      {{"check", "edge"},
       "found 'edge' after check; hosts are looked at with --hosts: kongfleet check --hosts edge"},
      {{"history", "edge"},
       "history takes no further argument, but found 'edge'; see 'kongfleet history --help'"},
      {{"pack"}, "pack needs the tree to pack: kongfleet pack plugins/my-plugin -o FILE"},
      {{"pack", "t", "--output", "x.kfb"},
       "found 'x.kfb' for --output; it is 'text' or 'json', the bundle's name is given with -o"},
      {{"pack", "t", "--name", "My Plugin"},
       "found 'My Plugin' for --name; a plugin's name has small letters, digits, '-' and '_'"},
      {{"pack", "t", "--release-version", "1/2"},
       "found '1/2' for --release-version; it has letters, digits, '.', '+' and '-'"},
      {{"plan", "--output", "yaml"}, "found 'yaml' for --output; it is 'text' or 'json'"},
      {{"plan", "-f"}, "--file takes exactly one value; see 'kongfleet --help'"},
      {{"-f", "", "plan"}, "the name after -f is empty"},
      {{"-f", "a", "-f", "b", "plan"}, "--file takes exactly one value; see 'kongfleet --help'"},
      {{"rollback", "--to", "last"},
       "found 'last' for --to; it is a generation's number, as 'kongfleet status' shows them"},
      {{"pl\x1b[31man"}, "unknown command 'pl\\x1b[31man'; it is one of " + commands}};
  for (const auto& [arguments, expected] : cases) {
    CHECK(mistake(arguments) == "kongfleet: " + expected);
  }
}

}  // namespace kongfleet::controller
