// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// What Kong's own Lua says of the files that Kong does not load at once.
#include "agent/candidate_check.hpp"

#include "tests/agent/preflight_fixture.hpp"

#include <algorithm>

namespace kongfleet::agent::test {
namespace {

const std::set<std::string> files{"kong/plugins/a/handler.lua", "lib.lua"};
const std::set<std::string> plugins{"a"};

CheckReport parsed(const std::string& text) { return parse_check_report(text, files, plugins); }

}  // namespace

TEST_CASE("a mistake in a file that nothing loads yet is found: plugin, file, line, text") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("bad", "3.0.0");
  const auto home = preflight.kong.gen("bad") / plugin;
  preflight.kong.write(home / "later.lua", "local M = {}\nfunction M.f()\n  return 1 +\nend\n");
  preflight.kong.write(home / "migrations/000_base.lua", "return {\n  postgres = = 1\n}\n");
  preflight.kong.write(preflight.kong.gen("bad") / "helper_of_ours.lua", "goto nowhere\n");
  auto findings = preflight.of("bad");
  std::sort(findings.begin(), findings.end(),
            [](const Finding& a, const Finding& b) { return a.file < b.file; });
  REQUIRE(findings.size() == 3);
  for (const auto& finding : findings) {
    CHECK(finding.code == "syntax");
    CHECK_FALSE(finding.warning);
    CHECK(finding.advice == "correct the Lua syntax there");
  }
  CHECK(findings[0].file == "helper_of_ours.lua");
  CHECK(findings[0].plugin == "");
  CHECK(holds(findings[0].text, "undefined label 'nowhere'"));
  CHECK(findings[1].file == std::string(plugin) + "later.lua");
  CHECK(findings[1].plugin == "my-plugin");
  CHECK(findings[1].line == 4);
  CHECK(holds(findings[1].text, "unexpected symbol near 'end'"));
  CHECK(findings[2].file == std::string(plugin) + "migrations/000_base.lua");
  CHECK(findings[2].line == 2);
}

TEST_CASE(
    "a broken api.lua, which would break the Admin API, is found before the node is touched") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("bad", "3.0.0");
  preflight.kong.write(preflight.kong.gen("bad") / plugin / "api.lua",
                       "return {\n  [\"/x\"] = {\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.file == std::string(plugin) + "api.lua");
  CHECK(finding.line > 0);
}

TEST_CASE("the VERSION that must serve is what the handler says once it is loaded") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("computed", "",
                      "local n = 4\nreturn { PRIORITY = 1, VERSION = \"1.2.\" .. n }\n");
  const auto report = preflight.report("computed");
  CHECK(report.findings.empty());
  REQUIRE(report.versions.size() == 1);
  CHECK(report.versions.front() == std::pair<std::string, std::string>("my-plugin", "1.2.4"));
  // A plugin that is not listed is not loaded.
  CHECK(preflight.report("computed", "bundled").versions.empty());
}

TEST_CASE("PRIORITY and VERSION are what this Kong wants, else the line that sets them is told") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("odd", "",
                      "local H = {\n  PRIORITY = 1.5,\n  VERSION = \"1.0.0\",\n}\nreturn H\n");
  preflight.kong.make("none", "", "-- VERSION = 3\nlocal H = { PRIORITY = 1 }\nreturn H\n");
  preflight.kong.make("long", "",
                      "local H = { PRIORITY = 1 }\nH.VERSION = \"1.2.3.4\"\nreturn H\n");
  if (!preflight.kong3()) {  // Kong 2 looks at neither
    for (const char* generation : {"odd", "none", "long"}) CHECK(preflight.of(generation).empty());
    return;
  }
  const auto priority = preflight.one("odd");
  CHECK(priority.code == "priority");
  CHECK(priority.plugin == "my-plugin");
  CHECK(priority.file == std::string(plugin) + "handler.lua");
  CHECK(priority.line == 2);
  const auto none = preflight.one("none");
  CHECK(none.code == "version");
  CHECK(none.file == std::string(plugin) + "handler.lua");
  CHECK(none.line == 0);
  CHECK(preflight.one("long").line == 2);
}

TEST_CASE("what it learns does not keep Kong from telling what fails in its own words") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("bad", "3.0.0",
                      "local inner = require \"kong.plugins.my-plugin.inner\"\nreturn inner\n");
  preflight.kong.write(preflight.kong.gen("bad") / plugin / "inner.lua", "\n\nerror(\"boom\")\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "load");
  CHECK(finding.file == std::string(plugin) + "inner.lua");
  CHECK(finding.line == 3);
  CHECK_FALSE(holds(finding.text, "previous error"));
}

TEST_CASE("a plugin that bears the check's own name does not get in its way") {
  auto& preflight = shared_kong(TestKong::versions().back());
  preflight.kong.make("bad", "3.0.0");
  const auto home = preflight.kong.gen("bad") / "kong/plugins/kongfleet-preflight";
  preflight.kong.write(home / "handler.lua", "return { PRIORITY = 2, VERSION = \"9.0.0\" }\n");
  preflight.kong.write(home / "schema.lua",
                       "return { name = \"kongfleet-preflight\", fields = { { config = { type = "
                       "\"record\", fields = {} } } } }\n");
  preflight.kong.write(home / "later.lua", "= 1\n");
  const auto finding = preflight.one("bad", "bundled,my-plugin,kongfleet-preflight");
  CHECK(finding.plugin == "kongfleet-preflight");
  CHECK(finding.line == 1);
}

TEST_CASE("a plugin that ends the process while it is loaded is found, exit code 0 or not") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("exits", "", "os.exit(0)\n");
  const auto finding = preflight.one("exits");
  CHECK(finding.code == "load");
  CHECK(finding.plugin == "my-plugin");
  CHECK(holds(finding.text, "Kong's process ended while it loaded the plugins"));
}

TEST_CASE("where Kong loads the candidate and the files could not be looked at, that is said") {
  const ChildResult good{0, false, "parse successful\n", ""};
  CHECK(load_findings(good, CheckReport{.complete = true}, {}).empty());
  const auto findings = load_findings(good, {}, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().warning);
  CHECK(holds(findings.front().text, "could not be looked at"));
}

TEST_CASE("a report says what it says of files and plugins of the candidate only") {
  const auto report = parsed(
      "mistake\tkong/plugins/a/handler.lua\t7\tnear \x1b[31m 'x'\n"
      "mistake\t/etc/shadow\t1\troot\n"
      "mistake\tlib.lua\t-1\tx\n"
      "mistake\tlib.lua\t99999999999\tx\n"
      "mistake\tlib.lua\t1\n"
      "version\ta\t1.2.3\n"
      "version\tb\t1.2.3\n"
      "version\ta\t1.2.3-rc1\n"
      "version\ta\t1.2.3.4\n"
      "version\ta\t\n"
      "version\ta\t1.\n"
      "version\ta\t.1\n"
      "version\ta\tnil\n"
      "\n\t\t\t\nend");
  REQUIRE(report.mistakes.size() == 1);
  CHECK(report.mistakes.front().text == "near \\x1b[31m 'x'");
  CHECK(report.mistakes.front().line == 7);
  CHECK(report.versions == std::vector<std::pair<std::string, std::string>>{{"a", "1.2.3"}});
  CHECK_FALSE(report.complete);  // its last line has no end
  CHECK(parsed("end\n").complete);
}

TEST_CASE("a report that floods is told in part") {
  std::string text;
  for (int line = 0; line < 100'000; ++line) text += "mistake\tlib.lua\t1\tx\n";
  CHECK(parsed(text).mistakes.size() == 50);
}

TEST_CASE("the main chunk that was begun and came to no end is told, with the latest place of it") {
  CHECK_FALSE(parsed("loading\ta\nloaded\ta\n").unfinished);
  CHECK_FALSE(parsed("loading\ta\nhanging\tlib.lua\t3\ta\nloaded\ta\n").unfinished);
  CHECK_FALSE(parsed("loading\tb\n").unfinished);
  CHECK_FALSE(parsed("hanging\tlib.lua\t3\ta\n").unfinished);
  const auto somewhere = parsed("loading\ta\n").unfinished;
  REQUIRE(somewhere);
  CHECK(somewhere->plugin == "a");
  CHECK(somewhere->line == 0);
  const auto there =
      parsed("loading\ta\nhanging\tlib.lua\t3\ta\nhanging\tlib.lua\t4\ta\n").unfinished;
  REQUIRE(there);
  CHECK(there->file == "lib.lua");
  CHECK(there->line == 4);
  CHECK(parsed("loading\ta\nhanging\t/etc/passwd\t4\ta\n").unfinished->file == "");
}

}  // namespace kongfleet::agent::test
