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

constexpr const char* reload_by_prepare =
    "{ path=/usr/local/bin/kong ; argv[]=/usr/local/bin/kong prepare -p /usr/local/kong ; }\n"
    "{ path=/x/nginx ; argv[]=/x/nginx -p /usr/local/kong -s reload ; }\n";

}  // namespace

TEST_CASE("what systemctl shows of several units is read") {
  const auto units = parse_units(
      "Id=kong.service\nLoadState=loaded\nMainPID=812\nUser=kong\n"
      "PrivateTmp=yes\nFragmentPath=/lib/systemd/system/kong.service\n"
      "DropInPaths=/etc/systemd/system/kong.service.d/a.conf /run/b.conf\n"
      "ExecReload={ path=/a ; argv[]=/a prepare ; }\nExecReload={ path=/b ; argv[]=/b -s reload ; "
      "}\n"
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
  CHECK_FALSE(units[1].loaded);
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

TEST_CASE("an empty assignment forgets what came before, as systemd does") {
  const Host host;
  KongUnit unit;
  unit.files = {host.write("a", "[Service]\nEnvironment=KONG_PLUGINS=a\n"),
                host.write("b", "[Service]\nEnvironment=\nEnvironment=KONG_OTHER=b\n")};
  read_environment(unit);
  CHECK(value(unit, "KONG_PLUGINS") == "(none)");
  CHECK(value(unit, "KONG_OTHER") == "b");
}

TEST_CASE("environment files may be named by a pattern") {
  const Host host;
  host.write("env.d/1.env", "A=1\n");
  host.write("env.d/2.env", "A=2\n");
  host.write("env.d/3.txt", "A=3\n");
  KongUnit unit;
  unit.files = {
      host.write("u", "[Service]\nEnvironmentFile=" + (host.root / "env.d/*.env").string() + "\n")};
  read_environment(unit);
  CHECK(value(unit, "A") == "2");
}

TEST_CASE("a variable that beats kong.conf is a finding that names its file") {
  KongUnit unit;
  unit.name = "kong.service";
  CHECK(unit_overrides(unit).empty());
  unit.variables = {{"KONG_NGINX_DAEMON", "off", "/u", 3}, {"KONG_PLUGINS", "", "/d/a.conf", 7}};
  const auto findings = unit_overrides(unit);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].code == "override");
  CHECK(findings[0].file == "/d/a.conf");
  CHECK(findings[0].line == 7);
  CHECK_FALSE(findings[0].warning);
  CHECK(findings[0].text.find("KONG_PLUGINS=, set for kong.service, overrides plugins") == 0);
}

TEST_CASE("a unit whose reload does not have Kong read kong.conf is a finding") {
  KongUnit unit;
  unit.name = "kong.service";
  CHECK(reload_defect(unit, "/etc/kong/kong.conf")->text ==
        "kong.service has no ExecReload: it can't be reloaded");
  unit.exec_reload = "{ path=/x/nginx ; argv[]=/x/nginx -p /usr/local/kong -s reload ; }\n";
  CHECK(reload_defect(unit, "/etc/kong/kong.conf"));
  unit.exec_reload = "{ path=/k/kong ; argv[]=/k/kong reload -p /usr/local/kong ; }\n";
  CHECK(reload_defect(unit, "/etc/kong/kong.conf"));
  unit.exec_reload = reload_by_prepare;
  CHECK_FALSE(reload_defect(unit, "/etc/kong/kong.conf"));
  CHECK(reload_defect(unit, "/srv/kong.conf"));
  unit.exec_reload = "{ path=/k/kong ; argv[]=/k/kong reload -c /srv/kong.conf ; }\n";
  CHECK_FALSE(reload_defect(unit, "/srv/kong.conf"));
  CHECK(reload_defect(unit, "/etc/kong/kong.conf"));
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
  CHECK(Systemd(host.paths).reload("kong.service", Clock::now() + 20s) ==
        "systemctl reload kong.service: Job for kong.service failed.");
  host.command("systemctl", "[ \"$*\" = 'reload -- kong.service' ]\n");
  CHECK(Systemd(host.paths).reload("kong.service", Clock::now() + 20s) == "");
}

TEST_CASE("a program like the unit's gets its environment, with ours on top") {
  const Host host;
  // Takes its own options off and runs the rest, as systemd-run does.
  host.command("systemd-run", "for a in \"$@\"; do echo \"$a\" >> " +
                                  (host.root / "seen").string() +
                                  "; done\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n"
                                  "KONG_DATABASE=postgres KONG_PREFIX=/x exec \"$@\"\n");
  KongUnit unit;
  unit.user = "kong";
  unit.environment_files = {"/e/kong.env"};
  unit.variables = {{"KONG_A", "1 2", "/u", 1}, {"KONG_SECRET", "s", "/e/kong.env", 1}};
  const auto result = Systemd(host.paths)
                          .run_like(unit, {"/usr/bin/env"}, {"KONG_DATABASE=off"}, {"KONG_PREFIX"},
                                    Clock::now() + 20s);
  CHECK(result.ok());
  CHECK(result.output.find("KONG_DATABASE=off\n") != std::string::npos);
  CHECK(result.output.find("KONG_PREFIX") == std::string::npos);
  std::ifstream file(host.root / "seen");
  const std::string seen((std::istreambuf_iterator<char>(file)), {});
  CHECK(seen.find("\nUser=kong\n") != std::string::npos);
  CHECK(seen.find("\nEnvironmentFile=/e/kong.env\n") != std::string::npos);
  CHECK(seen.find("\n--setenv=KONG_A=1 2\n") != std::string::npos);
  CHECK(seen.find("KONG_SECRET") == std::string::npos);  // arguments are for everybody to see
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
