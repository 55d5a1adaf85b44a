// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_unit.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A directory with unit files and commands of the test's own, as systemd's.
struct Host {
  Host() {
    std::string name = (fs::temp_directory_path() / "kfu-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
    paths.systemd = root;
    paths.path = (root / "bin").string() + ":/usr/bin:/bin";
  }
  ~Host() { fs::remove_all(root); }
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
    return root / name;
  }
  void command(const std::string& name, const std::string& script) const {
    ::chmod(write("bin/" + name, "#!/bin/sh\n" + script).c_str(), 0755);
  }
  fs::path root;
  HostPaths paths;
};

std::string value(const KongUnit& unit, const std::string& name) {
  const auto* variable = unit.variable(name);
  return variable == nullptr ? "(none)" : variable->value;
}

}  // namespace

TEST_CASE("what systemctl shows of several units is read") {
  const auto units = parse_units(
      "Id=kong.service\nLoadState=loaded\nMainPID=812\nUser=kong\n"
      "PrivateTmp=yes\nFragmentPath=/lib/systemd/system/kong.service\n"
      "DropInPaths=/etc/systemd/system/kong.service.d/a.conf /run/b.conf\n"
      "ExecReload={ path=/a ; argv[]=/a prepare ; }\nExecReload={ path=/b ; argv[]=/b -s reload ; "
      "}\nExecStart={ path=/n ; argv[]=/n ; }\nExecStartPre={ path=/p ; argv[]=/p ; }\n"
      "Environment=A=1 \"B=two words\" \"C=/a/?.lua;;\"\n"
      "EnvironmentFiles=/e/a b (ignore_errors=no)\nEnvironmentFiles=/e/c (ignore_errors=yes)\n"
      "\nId=other.service\nLoadState=not-found\nMainPID=0\n");
  REQUIRE(units.size() == 2);
  CHECK(units[0].name == "kong.service");
  CHECK(units[0].loaded);
  CHECK(units[0].main_pid == 812);
  CHECK(units[0].user == "kong");
  CHECK(units[0].private_tmp);
  CHECK(units[0].files == std::vector<fs::path>{"/lib/systemd/system/kong.service",
                                                "/etc/systemd/system/kong.service.d/a.conf",
                                                "/run/b.conf"});
  CHECK(units[0].exec_reload.find("/a prepare") != std::string::npos);
  CHECK(units[0].exec_reload.find("/b -s reload") != std::string::npos);
  CHECK(units[0].exec_start.find("/p ;") < units[0].exec_start.find("/n ;"));
  CHECK(units[0].loaded_environment ==
        std::vector<std::string>{"A=1", "B=two words", "C=/a/?.lua;;"});
  REQUIRE(units[0].loaded_environment_files.size() == 2);
  CHECK(units[0].loaded_environment_files[0].text == "/e/a b");
  CHECK(units[0].loaded_environment_files[1].text == "-/e/c");
  CHECK_FALSE(units[1].loaded);
  CHECK_FALSE(units[1].loaded_environment);
}

TEST_CASE("a unit's environment is read from its files, with the place of each variable") {
  const Host host;
  const auto variables = host.write(
      "kong.env", "# a comment\nKONG_PG_PASSWORD='a b'\nKONG_LUA_PACKAGE_PATH=/file\n\nEMPTY=\n");
  KongUnit unit;
  unit.files = {
      host.write("kong.service",
                 "[Unit]\nEnvironment=NOT=here\n[Service]\nEnvironment=KONG_A=1 "
                 "\"KONG_B=two words\"\n; note\nEnvironment=KONG_C=\\\n  x\n"),
      host.write("kong.service.d/a.conf",
                 "[Service]\nEnvironment=KONG_A=2 KONG_LUA_PACKAGE_PATH=/unit\nEnvironmentFile=-" +
                     variables.string() + "\nEnvironmentFile=-/nonexistent\n")};
  read_environment(unit);
  CHECK(value(unit, "KONG_A") == "2");
  CHECK(value(unit, "KONG_B") == "two words");
  CHECK(value(unit, "KONG_PG_PASSWORD") == "a b");
  CHECK(value(unit, "EMPTY") == "");
  CHECK(value(unit, "NOT") == "(none)");
  REQUIRE(unit.variable("KONG_LUA_PACKAGE_PATH") != nullptr);
  CHECK(unit.variable("KONG_LUA_PACKAGE_PATH")->value == "/file");  // read after Environment=
  CHECK(unit.variable("KONG_LUA_PACKAGE_PATH")->file == variables);
  CHECK(unit.variable("KONG_LUA_PACKAGE_PATH")->line == 3);
  CHECK(unit.variable("KONG_A")->file == unit.files[1]);
  CHECK(unit.environment_files == std::vector<fs::path>{variables});
}

TEST_CASE("units are shown by systemctl, and those that don't exist are left out") {
  const Host host;
  host.command("systemctl",
               "printf 'Id=a.service\\nLoadState=not-found\\n\\nId=b.service\\n"
               "LoadState=loaded\\nMainPID=7\\n'\n");
  const Systemd systemd(host.paths);
  CHECK(systemd.present());
  const auto units = systemd.show({"a.service", "b.service"}, Clock::now() + 20s);
  REQUIRE(units.size() == 1);
  CHECK(units[0].main_pid == 7);
}

TEST_CASE("a failed reload says why") {
  const Host host;
  host.command("systemctl", "echo \"Job for $3 failed.\" >&2; exit 1\n");
  const auto runs = [] { return true; };
  CHECK(Systemd(host.paths).reload("kong.service", Clock::now() + 20s, runs) ==
        "systemctl reload kong.service: Job for kong.service failed.");
  host.command("systemctl", "[ \"$*\" = 'reload -- kong.service' ]\n");
  CHECK(Systemd(host.paths).reload("kong.service", Clock::now() + 20s, runs) == "");
}

TEST_CASE("a reload that systemd holds back is given up once Kong is gone") {
  const Host host;
  host.command("systemctl", "sleep 1000\n");
  const auto began = Clock::now();
  const auto runs = [&] { return Clock::now() < began + 300ms; };
  CHECK(Systemd(host.paths).reload("kong.service", Clock::now() + 100s, runs) ==
        "systemctl reload kong.service: Kong is gone, so nothing reloads");
  CHECK(Clock::now() - began < 20s);
}

TEST_CASE("systemd is told to read its unit files anew") {
  const Host host;
  host.command("systemctl", "[ \"$*\" = daemon-reload ]\n");
  CHECK(Systemd(host.paths).daemon_reload(Clock::now() + 20s) == "");
  host.command("systemctl", "echo 'Access denied' >&2; exit 1\n");
  CHECK(Systemd(host.paths).daemon_reload(Clock::now() + 20s) ==
        "systemctl daemon-reload: Access denied");
}

TEST_CASE("what systemd hands to Kong comes below what the unit says") {
  const Host host;
  host.command("systemctl",
               "if [ \"$1\" = show-environment ]; then printf 'LANG=C\\nKONG_A=m\\nKONG_B=m\\n'\n"
               "else printf 'Id=k\\nLoadState=loaded\\nFragmentPath=" +
                   host.write("k", "[Service]\nEnvironment=KONG_A=u\n").string() + "\\n'; fi\n");
  host.write("system.conf", "[Manager]\nDefaultEnvironment=KONG_B=m\n");
  auto paths = host.paths;
  paths.systemd_conf = host.root;
  const auto units = Systemd(paths).show({"k"}, Clock::now() + 20s);
  REQUIRE(units.size() == 1);
  CHECK(value(units[0], "KONG_A") == "u");
  CHECK(value(units[0], "KONG_B") == "m");
  CHECK(units[0].variable("KONG_B")->source == VariableSource::Manager);
  CHECK(units[0].variable("KONG_B")->file == host.root / "system.conf");
  CHECK(value(units[0], "LANG") == "(none)");
}

TEST_CASE("a program like the unit's gets its environment, with ours on top") {
  const Host host;
  // Takes its own options off and runs the rest, as systemd-run does.
  host.command("systemd-run",
               "for a in \"$@\"; do echo \"$a\" >> " + (host.root / "seen").string() +
                   "; done\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n"
                   "KONG_DATABASE=postgres KONG_PREFIX=/x KONG_GONE=1 KONG_A=1 exec \"$@\"\n");
  KongUnit unit;
  unit.user = "kong";
  unit.environment_files = {"/e/kong.env"};
  unit.variables = {{"KONG_A", "1 2", "/u", 1},
                    {"KONG_B", "b", "", 0, VariableSource::Manager},
                    {"KONG_SECRET", "s", "/e/kong.env", 1, VariableSource::EnvironmentFile}};
  unit.unset = {{"KONG_GONE", "/u", 2}, {"KONG_A=other", "/u", 3}};
  const auto result = Systemd(host.paths)
                          .run_like(unit, {"/usr/bin/env"}, {"KONG_DATABASE=off"}, {"KONG_PREFIX"},
                                    Clock::now() + 20s);
  CHECK(result.ok());
  CHECK(result.output.find("KONG_DATABASE=off\n") != std::string::npos);
  CHECK(result.output.find("KONG_PREFIX") == std::string::npos);
  CHECK(result.output.find("KONG_GONE") == std::string::npos);
  CHECK(result.output.find("KONG_A=1\n") != std::string::npos);
  std::ifstream file(host.root / "seen");
  const std::string seen((std::istreambuf_iterator<char>(file)), {});
  CHECK(seen.find("\nUser=kong\n") != std::string::npos);
  CHECK(seen.find("\nLimitCORE=0\n") != std::string::npos);
  CHECK(seen.find("\nEnvironmentFile=/e/kong.env\n") != std::string::npos);
  for (const auto* name : {"KONG_A", "KONG_B", "KONG_SECRET"})  // arguments are everybody's to see
    CHECK(seen.find(name) == std::string::npos);
  // Nor what systemd hands out by itself, or what stands in a file already.
  CHECK(own_variables(unit) == "KONG_A=\"1 2\"\n");
}

TEST_CASE("an old systemd-run is told apart from a failed program") {
  const Host host;
  const Systemd systemd(host.paths);
  host.command("systemd-run", "echo \"systemd-run: unrecognized option '--wait'\" >&2; exit 1\n");
  CHECK(systemd.run_like({}, {"/bin/true"}, {}, {}, Clock::now() + 20s).errors == "unsupported");
  host.command("systemd-run", "echo 'Error: bad plugin' >&2; exit 1\n");
  CHECK(systemd.run_like({}, {"/bin/true"}, {}, {}, Clock::now() + 20s).exit_code == 1);
}

TEST_CASE("the journal is read from a cursor on") {
  const Host host;
  host.command(
      "journalctl",
      "case \"$*\" in *--show-cursor*) printf 'last\\n-- cursor: s=1;i=2\\n';;\n"
      "*--after-cursor=s=1*) echo \"$*\" | grep -q -- '-u kong.service' && echo new;; esac\n");
  const Systemd systemd(host.paths);
  const auto cursor = systemd.journal_cursor(Clock::now() + 20s);
  CHECK(cursor == "s=1;i=2");
  CHECK(systemd.journal_after("kong.service", cursor, Clock::now() + 20s) == "new\n");
  CHECK_FALSE(systemd.journal_after("kong.service", "", Clock::now() + 20s));
}

}  // namespace kongfleet::agent::test
