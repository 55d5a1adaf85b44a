// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/agent_package.hpp"
#include "controller/child_process.hpp"
#include "controller/host_survey.hpp"
#include "controller/shell_text.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

HostSurvey good_survey() {
  return parse_survey(
      "root=yes\nmachine=x86_64\nkernel=6.1.0\nsystemd=yes\ndpkg=yes\nsshd=yes\n"
      "free_kib=900000\nsystemd_version=252\nsshd_version=9.2\nchanged=/etc/kong/"
      "kong.conf\nprefix=/usr/local/kong\nrole=traditional\nunit=kong.service\nconf=/etc/"
      "kong/kong.conf\n"
      "binary=/usr/local/bin/kong\nkong=2.8.5\nend=yes\n");
}

std::string why(const std::function<void(HostSurvey&)>& spoil) {
  auto survey = good_survey();
  spoil(survey);
  return why_unmanageable(survey);
}

ChildResult sh(const std::string& script) {
  return run_child({"sh", "-c", script}, {},
                   {.output_bytes = 65536, .time = std::chrono::seconds(60)});
}

}  // namespace

TEST_CASE("any text is one word of the shell") {
  for (const std::string text : {"", "a b", "it's", "$(reboot)`x`\\", "-n", "a\nb", "'", "\"*?~"}) {
    CHECK(sh("printf %s " + shell_quoted(text)).output == text);
    CHECK(sh(shell_command("printf %s " + shell_quoted(text), false)).output == text);
  }
}

TEST_CASE("the survey runs in any sh, and is read whole or not at all") {
  const auto said = sh(survey_script("ssh-ed25519 AAAA"));
  CHECK(said.exit_code == 0);
  CHECK(said.errors.empty());
  const auto survey = parse_survey(said.output);
  CHECK_FALSE(survey.machine.empty());
  CHECK(survey.free_kib > 0);
  CHECK_THROWS_WITH(parse_survey("root=yes\n"), "the survey ended early");
  CHECK_THROWS_WITH(parse_survey(std::string(70'000, 'x')), "the survey's answer is too long");
  CHECK(parse_survey("Welcome to edge-01!\nroot=yes\nprefix=/a\x1b[2J\nend=yes\n").prefixes ==
        std::vector<std::string>{"/a\\x1b[2J"});
}

TEST_CASE("a host that can't be managed is refused with the reason and what to do") {
  CHECK(why([](HostSurvey&) {}).empty());
  CHECK_THAT(why([](HostSurvey& host) { host.root = false; }), Catch::Contains("use --sudo"));
  CHECK(why([](HostSurvey& host) { host.machine = "aarch64"; }) ==
        "its machine is aarch64, not x86_64");
  CHECK_THAT(why([](HostSurvey& host) { host.kernel = "2.6.32-754.el6"; }),
             Catch::Contains("3.10 is the oldest"));
  CHECK(why([](HostSurvey& host) { host.kernel = "3.10.0-1160.el7"; }).empty());
  CHECK_THAT(why([](HostSurvey& host) { host.systemd = false; }), Catch::Contains("no systemd"));
  CHECK_THAT(why([](HostSurvey& host) { host.sshd_reads_directory = false; }),
             Catch::Contains("add that line"));
  CHECK_THAT(why([](HostSurvey& host) { host.free_kib = 50'000; }),
             Catch::StartsWith("only 48 MiB are free"));
  CHECK_THAT(why([](HostSurvey& host) { host.prefixes.clear(); }),
             Catch::StartsWith("no Kong runs there"));
  const auto two = [](HostSurvey& host) { host.prefixes.emplace_back("/srv/kong"); };
  CHECK_THAT(why(two),
             Catch::Contains("more than one Kong runs there (/usr/local/kong, /srv/kong)"));
  CHECK_THAT(why([](HostSurvey& host) { host.binary.clear(); }), Catch::Contains("no command"));
  CHECK_THAT(why([](HostSurvey& host) { host.conf.clear(); }), Catch::Contains("no kong.conf"));
  // An empty file in the place where Kong looks first would take its configuration away.
  const auto in_etc = [](HostSurvey& host) {
    host.conf = "/etc/kong.conf";
    host.changed_files = {"/etc/kong.conf"};
  };
  CHECK_THAT(why(in_etc),
             Catch::StartsWith("a deploy changes /etc/kong.conf") && !Catch::Contains("empty") &&
                 Catch::Contains("kong.conf to /etc/kong/kong.conf, where Kong looks first"));
}

TEST_CASE("a host that somebody configured is upgraded whatever its Kong does") {
  const auto configured = [](HostSurvey& host) {
    host.configured = true;
    host.prefixes.clear();
    host.binary.clear();
    host.conf.clear();
  };
  CHECK(why(configured).empty());
  auto survey = good_survey();
  configured(survey);
  CHECK(agent_toml_for(survey).empty());
}

TEST_CASE("an old systemd and an old sshd are refused before anything is touched") {
  const auto systemd = [](unsigned version) {
    return [version](HostSurvey& host) { host.systemd_version = version; };
  };
  CHECK(why(systemd(239)).empty());
  CHECK_THAT(why(systemd(238)),
             Catch::StartsWith("its systemd is 238") && Catch::Contains("systemd-before-239.conf"));
  CHECK(why([](HostSurvey& host) {
          host.systemd_version = 219;
          host.is_unfiltered = true;
        }).empty());
  const auto sshd = [](const std::string& version) {
    return [version](HostSurvey& host) { host.sshd_version = version; };
  };
  CHECK(why(sshd("8.2")).empty());
  CHECK(why(sshd("10.0")).empty());
  // An Include would keep that sshd from starting.
  CHECK_THAT(why(sshd("7.4")),
             Catch::Contains("append the Match block") && !Catch::Contains("add that line"));
  CHECK(why([](HostSurvey& host) {
          host.sshd_version = "7.4";
          host.sshd_forces_command = true;
          host.sshd_reads_directory = false;
        }).empty());
  CHECK_THAT(why([](HostSurvey& host) { host.sshd_keeps_out = "AllowUsers root admin"; }),
             Catch::Contains("keeps the login 'kongfleet' out (AllowUsers root admin)"));
}

TEST_CASE("what a deploy writes is opened to the agent, unless it is open") {
  auto survey = good_survey();
  CHECK(paths_to_open(survey).empty());
  survey.changed_files = {
      "/opt/gw/etc/kong.conf", "/etc/kong/x/kong.conf", "/etc/kongs/a", "a", "/etc/kong.conf", ""};
  CHECK(paths_to_open(survey) == std::vector<std::string>{"/etc/kongs", "/opt/gw/etc"});
  survey.prefixes = {"/srv/kong"};
  survey.changed_files = {"/etc/kong/kong.conf"};
  CHECK(paths_to_open(survey) == std::vector<std::string>{"/srv/kong"});
  survey.prefixes.clear();  // its Kong is down
  survey.changed_files = {"/etc/default/kong"};
  survey.environment = true;
  CHECK(paths_to_open(survey) ==
        std::vector<std::string>{"/etc/default", "/etc/systemd/system/kong.service.d"});
}

TEST_CASE("an API that listens at an outer address only is opened to the agent") {
  const auto opened = [](const std::string& admin, const std::string& status) {
    auto survey = good_survey();
    survey.admin_listen = admin;
    survey.status_listen = status;
    return addresses_to_open(survey);
  };
  using Addresses = std::vector<std::string>;
  CHECK(opened("", "off").empty());
  CHECK(opened("10.0.0.5:8001", "127.0.0.1:8007") == Addresses{"10.0.0.5"});
  CHECK(opened("10.0.0.5:8001 reuseport,10.0.0.6:8001", "10.0.0.5:8007") == Addresses{"10.0.0.5"});
  CHECK(opened("10.0.0.5:8444 http2 ssl, 10.0.0.6:8001", "[fd00::5]:8007") ==
        Addresses{"10.0.0.6", "fd00::5"});
  for (const auto* local :
       {"127.0.0.1:8001", "0.0.0.0:8001", "[::]:8001", "[::1]:8001", "localhost:8001"})
    CHECK(opened(std::string("10.0.0.5:8001, ") + local + " reuseport", "off").empty());
  CHECK(opened("10.0.0.5:8001 proxy_protocol, gw.example.net:8001, unix:/x", "none").empty());
  auto survey = parse_survey(
      "role=data_plane\nadmin_listen=10.0.0.5:8001\nstatus_listen=10.0.0.6:8007\nend=yes\n");
  CHECK(addresses_to_open(survey) == Addresses{"10.0.0.6"});
}

TEST_CASE("agent.toml says what was found") {
  auto survey = good_survey();
  CHECK_THAT(agent_toml_for(survey),
             Catch::EndsWith("# It ran Kong 2.8.5, role traditional.\n[kong]\nconf = "
                             "\"/etc/kong/kong.conf\"\nprefix = \"/usr/local/kong\"\n"
                             "binary = \"/usr/local/bin/kong\"\nunit = \"kong.service\"\n"));
  survey.unit.clear();
  survey.environment = true;
  survey.conf = "/etc/\"kong\\.conf";
  CHECK_THAT(agent_toml_for(survey),
             Catch::EndsWith("unit = \"none\"\nconfigure = \"environment\"\n"));
  CHECK_THAT(agent_toml_for(survey), Catch::Contains("conf = \"/etc/\\\"kong\\\\.conf\""));
}

TEST_CASE("a package is what its name says, and goes where its tool is") {
  const ScratchDirectory scratch;
  const auto deb = AgentPackage::read(scratch.write("a.deb", "!<arch>\nx"));
  CHECK(deb.kind == PackageKind::Deb);
  CHECK(deb.why_not(good_survey()).empty());
  const auto rpm = AgentPackage::read(scratch.write("a.rpm", "\xed\xab\xee\xdbx"));
  CHECK(rpm.why_not(good_survey()) == "it has no rpm for a .rpm");
  CHECK_THROWS_WITH(AgentPackage::read(scratch.write("b.tar.gz", "PK")),
                    Catch::EndsWith("its content is not that of a .tar.gz"));
  CHECK_THROWS_WITH(AgentPackage::read(scratch.write("c.zip", "PK")),
                    Catch::Contains("ends with .deb, .rpm or .tar.gz"));
  CHECK_THROWS_WITH(AgentPackage::read(scratch.path() / "none.deb"),
                    Catch::EndsWith("there is no such file"));
  const auto script = install_script(deb, {.key = "ssh-ed25519 AAAA",
                                           .toml = "[kong]\nconf = \"/it's\"\n",
                                           .unit = "gateway.service",
                                           .paths = {"/opt/it's", "/100% \"a\""},
                                           .addresses = {"10.0.0.5", "fd00::5"}});
  CHECK(sh("sh -n <<'EOF'\n" + script + "\nEOF\n").exit_code == 0);
  CHECK_THAT(script, Catch::Contains(deb.digest.hex()));
  CHECK_THAT(script, Catch::Contains(R"(paths='"-/opt/it'\''s" "-/100%% \"a\""')"));
  CHECK_THAT(script, Catch::Contains("\naddresses='10.0.0.5 fd00::5'\n"));
}

}  // namespace kongfleet::controller
