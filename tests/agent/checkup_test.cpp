// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/checkup.hpp"

#include "agent/checkup_of_kong.hpp"
#include "agent/steps.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

/// A host on which all is right, as a package leaves it.
CheckupFacts healthy() {
  CheckupFacts facts;
  facts.state = {{"/var/lib/kongfleet", true, 0, 0, 0755},
                 {"/var/lib/kongfleet/generations", true, 0, 0, 0755}};
  facts.socket = {"/run/kongfleet/agent.sock", true, 0, 998, 0660};
  facts.socket_group = 998;
  facts.socket_group_name = "kongfleet";
  facts.signatures = "optional";
  facts.signers.path = "/etc/kongfleet/allowed_signers";
  facts.spaces = {{"/var/lib/kongfleet", 900 * mebibyte, 64 * mebibyte, 100'000}};
  facts.node.version = "3.4.2";
  facts.node.role = "traditional";
  facts.node.conf = "/etc/kong/kong.conf";
  facts.node.prefix = "/usr/local/kong";
  facts.node.binary = "/usr/local/bin/kong";
  facts.node.unit = "kong.service";
  facts.node.running = true;
  facts.node.admin = "http://127.0.0.1:8001";
  facts.node.admin_look.kind = AdminLook::Kind::Answers;
  facts.node.status = "http://127.0.0.1:8007";
  facts.node.effective_path = "/var/lib/kongfleet/generations/000001-aa/?.lua;./?.lua";
  facts.details.status_answers = true;
  facts.details.shutdown_timeout = "60s";
  return facts;
}

Finding found(const std::string& code, const std::string& file, const std::string& text,
              const std::string& advice) {
  Finding finding;
  finding.code = code;
  finding.file = file;
  finding.text = text;
  finding.advice = advice;
  return finding;
}

/// What is not right; it is called `name`, and there is only one of it.
Check ailment(const CheckupFacts& facts, const std::string& name) {
  std::vector<Check> bad;
  for (const auto& check : judge(facts))
    if (check.verdict != CheckVerdict::Right) bad.push_back(check);
  REQUIRE(bad.size() == 1);
  CHECK(bad[0].name == name);
  CHECK_FALSE(bad[0].why.empty());
  CHECK_FALSE(bad[0].remedy.text.empty());
  return bad[0];
}

void check_command(const Check& check, const std::string& command) {
  CHECK(check.remedy.kind == RemedyKind::Host);
  CHECK(check.remedy.text == command);
}

}  // namespace

TEST_CASE("a host on which all is right has the same checks as ever, and none is bad") {
  const auto checks = judge(healthy());
  std::vector<std::string> names;
  for (const auto& check : checks) {
    names.push_back(check.name);
    CHECK(check.verdict == CheckVerdict::Right);
    CHECK_FALSE(check.text.empty());
    CHECK(check.remedy.kind == RemedyKind::None);
  }
  CHECK(names == std::vector<std::string>{
                     "kong", "running", "configuration", "reload", "boot", "conf", "private-tmp",
                     "admin-api", "status-api", "shutdown-timeout", "copies", "readable", "drift",
                     "state", "socket", "signers", "expiry", "space", "transaction"});
}

TEST_CASE("a Kong that can't be found is told with what to do, and the rest is looked at still") {
  auto facts = healthy();
  facts.unmanageable = "find Kong's command 'kong': there is none; install Kong";
  const auto check = ailment(facts, "kong");
  CHECK(check.verdict == CheckVerdict::Wrong);
  CHECK(check.text == "find Kong's command 'kong': there is none");
  CHECK(check.remedy.text == "install Kong");
  CHECK(judge(facts).size() == 7);
  facts.unmanageable = "no semicolon";
  CHECK(ailment(facts, "kong").remedy.kind == RemedyKind::Edit);
}

TEST_CASE("a release that runs and has expired, or will within seven days, is told") {
  const auto release = [](std::int64_t expires) {
    std::vector<ManifestFile> files;
    for (const char* file : {"handler.lua", "schema.lua"})
      files.push_back(
          {*RelativePath::parse(std::string("kong/plugins/a/") + file), 1, 0644, sha256("x")});
    const ReleaseTerms terms{.fleet = "edge", .serial = 1, .expires = expires};
    return Manifest::build(*PluginName::parse("a"), *Version::parse("1.0.0"), files, terms);
  };
  constexpr std::int64_t week = 7 * 24 * 3600;
  auto facts = healthy();
  facts.now = 1'800'000'000;
  facts.releases = {release(facts.now + week + 1)};
  const auto well = judge(facts);
  CHECK(std::all_of(well.begin(), well.end(),
                    [](const Check& check) { return check.verdict == CheckVerdict::Right; }));
  facts.releases = {release(facts.now + week + 1), release(facts.now + week)};
  const auto soon = ailment(facts, "expiry");
  CHECK(soon.verdict == CheckVerdict::Warning);
  CHECK(soon.text == "a@1.0.0 expires at 2027-01-22T08:00:00Z");
  CHECK(soon.remedy.text.find("sign it anew") == 0);
  facts.releases = {release(facts.now)};
  CHECK(ailment(facts, "expiry").text == "a@1.0.0 expired at 2027-01-15T08:00:00Z");
  facts.signatures = "off";
  CHECK(judge(facts)[16].text == "no release that runs has an end");
}

TEST_CASE("a Kong that nobody tried is told") {
  auto facts = healthy();
  facts.node.version = "2.7.1";
  CHECK(ailment(facts, "kong").verdict == CheckVerdict::Warning);
  facts.node.version = "3.10.0";
  CHECK(ailment(facts, "kong").text.find("newer than 3.9") != std::string::npos);
  for (const auto* version : {"2.8.5", "3.4.3.5", "3.9.1"}) {
    facts.node.version = version;
    CHECK(judge(facts)[0].verdict == CheckVerdict::Right);
  }
}

TEST_CASE("a Kong that is not running is to be started") {
  auto facts = healthy();
  facts.node.running = false;
  facts.node.admin_look = {};
  facts.details.status_answers = false;
  facts.drift = {"workers: Kong is not running"};
  check_command(ailment(facts, "running"), "systemctl start kong.service");
  facts.node.starting = true;
  CHECK(ailment(facts, "running").verdict == CheckVerdict::Warning);
  facts.node.starting = false;
  facts.node.unit.clear();
  CHECK(ailment(facts, "running").remedy.kind == RemedyKind::Edit);
}

TEST_CASE("what overrides our settings is told once, by file and line") {
  auto facts = healthy();
  auto finding = found("override", "/etc/systemd/system/kong.service.d/x.conf",
                       "KONG_PLUGINS=x, set for kong.service, overrides plugins of kong.conf",
                       "move the value into kong.conf");
  finding.line = 2;
  facts.overrides = {finding};
  facts.drift = {"configuration: " + sentence(finding)};
  const auto check = ailment(facts, "configuration");
  CHECK(check.text.starts_with("/etc/systemd/system/kong.service.d/x.conf:2: KONG_PLUGINS=x"));
  CHECK(check.remedy.text == "move the value into kong.conf");
  facts.overrides = {found("override", "", "KONG_PLUGINS=x, which systemd hands out",
                           "systemctl unset-environment KONG_PLUGINS")};
  facts.drift.clear();
  check_command(ailment(facts, "configuration"), "systemctl unset-environment KONG_PLUGINS");
  facts.overrides[0].warning = true;
  CHECK(ailment(facts, "configuration").verdict == CheckVerdict::Warning);
}

TEST_CASE("a unit that has Kong read nothing gets a drop-in") {
  auto facts = healthy();
  const auto defect = found("unit", "/lib/systemd/system/kong.service", "ExecReload of x does not",
                            "add a drop-in");
  facts.details.reload = defect;
  facts.overrides = {defect};  // it is among these as well
  check_command(
      ailment(facts, "reload"),
      "mkdir -p /etc/systemd/system/kong.service.d && printf '[Service]\\nExecReload=\\n"
      "ExecReload=/usr/local/bin/kong prepare -c /etc/kong/kong.conf -p /usr/local/kong\\n"
      "ExecReload=/bin/kill -HUP $MAINPID\\n' "
      ">>/etc/systemd/system/kong.service.d/zz-kongfleet.conf && systemctl daemon-reload");
  facts.node.conf = "/opt/it's/kong.conf";  // too much quoting for a command
  CHECK(ailment(facts, "reload").remedy.kind == RemedyKind::Edit);
}

TEST_CASE("what would come up wrong after a power cut is told") {
  auto facts = healthy();
  facts.details.start = found("unit", "", "kong.service does not", "add a drop-in");
  CHECK(ailment(facts, "boot").remedy.text.find("ExecStartPre=/usr/local/bin/kong prepare") !=
        std::string::npos);
  facts.details.start.reset();
  facts.details.recovery = found("unit", "/opt/kong", "kongfleet-recover.service can't write here",
                                 "add a drop-in for it");
  CHECK(ailment(facts, "boot").remedy.kind == RemedyKind::Edit);
  CHECK(ailment(facts, "boot").verdict == CheckVerdict::Wrong);
  facts.details.recovery->warning = true;
  CHECK(ailment(facts, "boot").verdict == CheckVerdict::Warning);
}

TEST_CASE("a kong.conf that can't be replaced is told with the command that helps") {
  auto facts = healthy();
  facts.conf_obstacle = "'/etc/kong/kong.conf' is immutable; chattr -i /etc/kong/kong.conf";
  check_command(ailment(facts, "conf"), "chattr -i /etc/kong/kong.conf");
  facts.conf_obstacle = "'/etc/kong/kong.conf' is a mount point; mount its directory instead";
  CHECK(ailment(facts, "conf").remedy.kind == RemedyKind::Edit);
}

TEST_CASE("PrivateTmp is wrong only where Kong reads something below /tmp") {
  auto facts = healthy();
  facts.details.private_tmp = true;
  CHECK(judge(facts)[6].verdict == CheckVerdict::Right);
  facts.node.effective_path = "/tmp/plugins/?.lua;;";
  CHECK(ailment(facts, "private-tmp").text.find("'/tmp/plugins/?.lua'") != std::string::npos);
  facts.details.private_tmp = false;
  CHECK(judge(facts)[6].verdict == CheckVerdict::Right);
  facts.details.private_tmp = true;
  facts.node.effective_path.clear();
  facts.details.declarative = "/var/tmp/kong.yml";
  CHECK(ailment(facts, "private-tmp").verdict == CheckVerdict::Wrong);
  facts.details.declarative.clear();
  facts.state[0].path = "/tmp/state";
  CHECK(ailment(facts, "private-tmp").text.find("of the agent") != std::string::npos);
}

TEST_CASE("a Kong without a Status API is told what it lacks") {
  auto facts = healthy();
  facts.details.status_answers = false;
  CHECK(ailment(facts, "status-api").text.find("does not answer") != std::string::npos);
  facts.node.status.clear();
  const auto check = ailment(facts, "status-api");
  CHECK(check.verdict == CheckVerdict::Warning);
  check_command(check,
                "printf '\\n%s\\n' 'status_listen = 127.0.0.1:8007' >>/etc/kong/kong.conf && "
                "systemctl reload kong.service");
  facts.details.status_by_unit = true;  // and beats kong.conf
  const auto by_unit = ailment(facts, "status-api");
  CHECK(by_unit.remedy.kind == RemedyKind::Edit);
  CHECK(by_unit.remedy.text.starts_with("have KONG_STATUS_LISTEN of kong.service say"));
}

TEST_CASE("workers without an end are told, by hand with Kong's own commands") {
  auto facts = healthy();
  facts.details.shutdown_timeout.clear();
  facts.node.conf = "/opt/my kong/kong.conf";
  check_command(ailment(facts, "shutdown-timeout"),
                "printf '\\n%s\\n' 'nginx_main_worker_shutdown_timeout = 60s' >>'/opt/my "
                "kong/kong.conf' && systemctl reload kong.service");
  facts.node.conf = "/etc/kong/kong.conf";
  facts.node.unit.clear();
  const auto by_hand = ailment(facts, "shutdown-timeout");
  CHECK(by_hand.remedy.kind == RemedyKind::Edit);  // nobody knows Kong's environment
  CHECK(by_hand.remedy.text.ends_with(
      "with the variables that Kong was started with, /usr/local/bin/kong prepare -c "
      "/etc/kong/kong.conf -p /usr/local/kong && /usr/local/bin/kong reload -c "
      "/etc/kong/kong.conf -p /usr/local/kong"));
}

TEST_CASE("other copies of a plugin are told once each, and go only where nobody needs them") {
  auto facts = healthy();
  facts.baseline = Baseline{"/etc/kong/kong.conf", std::nullopt, "bundled, served-before"};
  const std::string place = "/usr/local/share/lua/5.1/kong/plugins/my-plugin";
  auto stale = found("stale-copy", place, "another copy of the plugin lies here", "");
  stale.plugin = "my-plugin";
  stale.warning = true;
  facts.details.files = {stale, stale};
  const auto check = ailment(facts, "copies");
  CHECK(check.verdict == CheckVerdict::Warning);
  check_command(check, "rm -r " + place);
  facts.details.files[0].plugin = "served-before";
  const auto needed = ailment(facts, "copies");
  CHECK(needed.remedy.kind == RemedyKind::Edit);
  CHECK(needed.remedy.text.find("generation 0") != std::string::npos);
  facts.details.files[0].plugin = "my-plugin";
  facts.baseline.reset();  // who knows what it needs
  CHECK(ailment(facts, "copies").remedy.kind == RemedyKind::Edit);
  facts.details.files = {found("shadow", "/rocks/manifest", "LuaRocks has it", "remove the rock")};
  CHECK(ailment(facts, "copies").verdict == CheckVerdict::Wrong);
  facts.details.files[0].advice = "luarocks remove --tree=/usr/local kong-plugin-x";
  check_command(ailment(facts, "copies"), "luarocks remove --tree=/usr/local kong-plugin-x");
}

TEST_CASE("what Kong's workers can't read is opened to them") {
  auto facts = healthy();
  facts.details.files = {found("unreadable", "/opt/a b", "Kong's workers run as kong", "x")};
  check_command(ailment(facts, "readable"), "chmod o+rX '/opt/a b'");
}

TEST_CASE("drift is the controller's to mend") {
  auto facts = healthy();
  facts.drift = {"files: kong/plugins/my-plugin/handler.lua was changed"};
  const auto check = ailment(facts, "drift");
  CHECK(check.remedy.kind == RemedyKind::Controller);
  CHECK(check.remedy.text == "kongfleet sync HOST");
}

TEST_CASE("directories that others may write are told") {
  auto facts = healthy();
  facts.state[1].mode = 0775;
  check_command(ailment(facts, "state"),
                "chown -R root:root /var/lib/kongfleet/generations && "
                "chmod -R go-w /var/lib/kongfleet/generations");
  facts.state[1].mode = 0755;
  facts.state[1].owner = 33;
  CHECK(ailment(facts, "state").verdict == CheckVerdict::Wrong);
  facts.self = 33;
  CHECK(judge(facts)[13].verdict == CheckVerdict::Right);
  facts.state[1].owner = 34;
  CHECK(ailment(facts, "state").remedy.text.starts_with("chown -R 33 "));
  facts.state[1].there = false;
  CHECK(judge(facts)[13].verdict == CheckVerdict::Right);
}

TEST_CASE("a socket that everybody reaches, or another group, is told") {
  auto facts = healthy();
  const std::string remedy =
      "chgrp kongfleet /run/kongfleet/agent.sock && chmod 0660 /run/kongfleet/agent.sock";
  facts.socket.mode = 0666;
  check_command(ailment(facts, "socket"), remedy);
  facts.socket.mode = 0660;
  facts.socket.group = 100;
  check_command(ailment(facts, "socket"), remedy);
  facts.socket.there = false;
  CHECK(judge(facts)[14].verdict == CheckVerdict::Right);
}

TEST_CASE("who may sign is root's to say, where signatures count") {
  auto facts = healthy();
  facts.signatures = "required";
  facts.trust_problem = "read '/etc/kongfleet/allowed_signers': No such file or directory";
  CHECK(ailment(facts, "signers").why == "nothing new is taken here");
  CHECK(ailment(facts, "signers").remedy.kind == RemedyKind::Edit);
  facts.signatures = "optional";
  facts.signers = {"/etc/kongfleet/allowed_signers", true, 0, 0, 0664};
  facts.trust_problem = "it can be written by others than root; mend it";
  check_command(ailment(facts, "signers"),
                "chown root:root /etc/kongfleet/allowed_signers && "
                "chmod 0644 /etc/kongfleet/allowed_signers");
  facts.signers.mode = 0644;
  facts.trust_problem = "line 3 is no key";
  CHECK(ailment(facts, "signers").remedy.text == "correct that file");
  facts.signatures = "off";
  CHECK(judge(facts)[15].verdict == CheckVerdict::Right);
  facts.signatures = "required";
  facts.trust_problem.clear();
  CHECK(judge(facts)[15].text.find("says by whom") != std::string::npos);
}

TEST_CASE("a disk is full before it is, by bytes and by inodes") {
  auto facts = healthy();
  facts.spaces[0].free_bytes = 63 * mebibyte;
  CHECK(ailment(facts, "space").verdict == CheckVerdict::Wrong);
  facts.spaces[0].free_bytes = 100 * mebibyte;
  CHECK(ailment(facts, "space").verdict == CheckVerdict::Warning);
  facts.spaces[0].free_bytes = 128 * mebibyte;
  CHECK(judge(facts)[17].verdict == CheckVerdict::Right);
  facts.spaces[0].free_inodes = 999;
  CHECK(ailment(facts, "space").verdict == CheckVerdict::Wrong);
  facts.spaces[0].free_inodes = 1999;
  CHECK(ailment(facts, "space").verdict == CheckVerdict::Warning);
  facts.spaces[0].free_inodes.reset();  // as on btrfs
  CHECK(judge(facts)[17].verdict == CheckVerdict::Right);
  facts.spaces.clear();
  CHECK(judge(facts)[17].verdict == CheckVerdict::Right);
}

TEST_CASE("an open transaction is told, and a stranded one is wrong") {
  auto facts = healthy();
  facts.open = OpenState{.id = "t", .holder = "ops", .step = "trial"};
  facts.open->lease_left = std::chrono::seconds(9);
  CHECK(ailment(facts, "transaction").verdict == CheckVerdict::Warning);
  CHECK(ailment(facts, "transaction").remedy.text.find("undone in 9 s") != std::string::npos);
  facts.open->lease_left = std::chrono::seconds(0);
  CHECK(ailment(facts, "transaction").remedy.text == "wait: it ends by itself");
  facts.open->step = step_name(Step::Stranded);
  facts.stranded_cause = "reload failed";
  const auto check = ailment(facts, "transaction");
  CHECK(check.verdict == CheckVerdict::Wrong);
  CHECK(check.text.find("reload failed") != std::string::npos);
  check_command(check, "kongfleet-agent rollback");
}
