// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/unit_commands.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {
namespace {

/// As systemctl shows it, one line for each command.
std::string shown(const std::vector<std::string>& commands) {
  std::string text;
  for (const auto& command : commands)
    text += "{ path=" + command.substr(0, command.find(' ')) + " ; argv[]=" + command +
            " ; ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n";
  return text;
}

const std::string start_nginx = "/usr/local/openresty/nginx/sbin/nginx -p /usr/local/kong";
const std::string reload_nginx = start_nginx + " -c nginx.conf -s reload";

KongUnit unit_with(const std::vector<std::string>& start, const std::vector<std::string>& reload) {
  KongUnit unit;
  unit.name = "kong.service";
  unit.files = {"/lib/systemd/system/kong.service"};
  unit.exec_start = shown(start);
  unit.exec_reload = shown(reload);
  return unit;
}

KongUnit reloading(const std::vector<std::string>& reload) {
  return unit_with({"/usr/local/bin/kong prepare -p /usr/local/kong", start_nginx}, reload);
}

KongUnit starting(const std::vector<std::string>& start) {
  return unit_with(start, {"/usr/local/bin/kong prepare -p /usr/local/kong", reload_nginx});
}

const ConfInUse packaged{"/etc/kong/kong.conf", true, false};
const ConfInUse elsewhere{"/srv/kong.conf", false, false};
const ConfInUse by_environment{"/etc/kong/kong.conf", true, true};

/// The first defect's text, or "".
std::string defect(const KongUnit& unit, const ConfInUse& conf) {
  const auto findings = command_defects(unit, conf);
  if (findings.empty()) return "";
  CHECK(findings[0].code == "unit");
  CHECK_FALSE(findings[0].warning);
  return findings[0].text;
}

}  // namespace

TEST_CASE("Kong's calls are found in whatever they are wrapped") {
  const auto calls =
      kong_calls(shown({"/usr/bin/env A=1 /usr/local/bin/kong prepare --conf=/c -p /p",
                        "/bin/sh -c \"kong reload -c /d; nginx -c nginx.conf\"", reload_nginx}));
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].verb == "prepare");
  CHECK(calls[0].conf == "/c");
  CHECK(calls[0].prefix == "/p");
  CHECK(calls[1].verb == "reload");
  CHECK(calls[1].conf == "/d");
  CHECK(calls[1].prefix == "");
  CHECK(kong_calls(shown({"/usr/local/bin/kong health", "/opt/king prepare"})).empty());
}

TEST_CASE("a reload that has Kong read its kong.conf is in order") {
  CHECK(defect(reloading({"/k/kong prepare -p /usr/local/kong", reload_nginx}), packaged) == "");
  CHECK(defect(reloading({"/k/kong reload -c /etc/kong/kong.conf"}), packaged) == "");
  CHECK(defect(reloading({"/k/kong prepare", "/k/kong reload -p /usr/local/kong"}), packaged) ==
        "");
}

TEST_CASE("a reload that does not is a defect") {
  CHECK(defect(reloading({}), packaged) == "kong.service has no ExecReload: it can't be reloaded");
  const std::string wrong =
      "ExecReload of kong.service does not have Kong read '/etc/kong/kong.conf'";
  CHECK(defect(reloading({reload_nginx}), packaged) == wrong);
  CHECK(defect(reloading({"/k/kong reload -p /usr/local/kong"}), packaged) == wrong);
  CHECK(defect(reloading({"/k/kong prepare -c /srv/kong.conf", reload_nginx}), packaged) == wrong);
  CHECK(defect(reloading({"/k/kong prepare", "/k/kong reload -c /srv/kong.conf"}), packaged) ==
        wrong);
  CHECK(defect(reloading({"/k/kong prepare -p /usr/local/kong", reload_nginx}), elsewhere) ==
        "ExecReload of kong.service does not have Kong read '/srv/kong.conf'");
}

TEST_CASE("a start that has Kong read something else than its kong.conf is a defect") {
  const std::string wrong =
      "kong.service does not have Kong read '/etc/kong/kong.conf' when it starts: after a power "
      "cut it could come up with something that was never confirmed";
  CHECK(defect(starting({start_nginx}), packaged) == wrong);
  CHECK(defect(starting({"/k/kong prepare -c /srv/kong.conf", start_nginx}), packaged) == wrong);
  CHECK(defect(starting({"/k/kong start -c /srv/kong.conf"}), packaged) == wrong);
  CHECK(defect(starting({"/k/kong start"}), packaged) == "");
  CHECK(defect(starting({"/k/kong start -c /etc/kong/kong.conf"}), packaged) == "");
  CHECK(defect(starting({"/opt/start-kong.sh"}), packaged) == "");  // nobody knows what it does
  CHECK(defect(starting({}), packaged) == "");
}

TEST_CASE("where the environment decides, any reload by Kong's command makes it effective") {
  CHECK(defect(reloading({"/k/kong reload -p /usr/local/kong"}), by_environment) == "");
  CHECK(defect(reloading({"/k/kong prepare", reload_nginx}), by_environment) == "");
  CHECK(defect(reloading({reload_nginx}), by_environment) != "");
  const ConfInUse absent{"/nonexistent/kong.conf", false, true};
  CHECK(defect(reloading({"/k/kong prepare", reload_nginx}), absent) == "");
  CHECK(defect(reloading({"/k/kong prepare -c /srv/x", reload_nginx}), absent) != "");
}

TEST_CASE("a defect is found in the file and line that has the command") {
  auto unit = reloading({"/k/kong prepare -c /srv/kong.conf", reload_nginx});
  CHECK(command_defects(unit, packaged)[0].file == "/lib/systemd/system/kong.service");
  unit.commands = {{"ExecStart=" + start_nginx, "/u", 3},
                   {"ExecReload=/k/kong prepare -c /srv/kong.conf", "/d", 7}};
  CHECK(command_defects(unit, packaged)[0].file == "/d");
  CHECK(command_defects(unit, packaged)[0].line == 7);
}

TEST_CASE("a unit's own prefix is that of its commands, then that of its environment") {
  auto unit = starting({"/k/kong prepare -p /srv/kong", start_nginx});
  CHECK(prefix_of_unit(unit) == "/srv/kong");
  unit = unit_with({"/k/kong start"}, {"/k/kong reload -c /c"});
  CHECK(prefix_of_unit(unit) == "");
  unit.variables = {{"KONG_PREFIX", "/var/kong", "/u", 1}};
  CHECK(prefix_of_unit(unit) == "/var/kong");
}

}  // namespace kongfleet::agent::test
