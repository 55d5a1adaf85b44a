// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/configuration_fixture.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {
namespace {

/// The only obstacle, or all of them, one below the other.
std::string only(const ConfigurationFixture& host) {
  std::string text;
  for (const auto& line : host.obstacles()) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace

TEST_CASE("a host on which nothing beats kong.conf has no obstacle") {
  ConfigurationFixture host;
  host.kong_conf("plugins = bundled\n");
  host.kong_env("plugins = bundled\nlua_package_path = ./?.lua;./?/init.lua;\n");
  host.unit_file("kong.service", "[Service]\nEnvironment=KONG_NGINX_DAEMON=off LUA_PATH=./?.lua\n");
  CHECK(host.obstacles().empty());
}

TEST_CASE("a variable of the unit is an obstacle that names file, line and what to do") {
  ConfigurationFixture host;
  host.unit_file("kong.service.d/a.conf", "[Service]\n\nEnvironment=KONG_PLUGINS=\n");
  CHECK(only(host) ==
        "kong.service.d/a.conf:3: KONG_PLUGINS=, set for kong.service, overrides plugins of "
        "kong.conf (move the value into kong.conf and take the variable out of "
        "kong.service.d/a.conf, then systemctl daemon-reload; or, where it is to stay, set [kong] "
        "configure = \"environment\" in agent.toml)");
  host.write("env", "X=1\nKONG_LUA_PACKAGE_PATH=/opt/?.lua\n");
  host.unit_file("kong.service.d/a.conf", "[Service]\nEnvironmentFile=" + host.at("env") + "\n");
  CHECK(holds(only(host),
              "env:2: KONG_LUA_PACKAGE_PATH=/opt/?.lua, set for kong.service, "
              "overrides lua_package_path of kong.conf"));
}

TEST_CASE("a variable that systemd hands out is an obstacle, wherever it comes from") {
  ConfigurationFixture host;
  host.manager = "LANG=C\nKONG_PLUGINS=a\n";
  CHECK(only(host) ==
        ":0: KONG_PLUGINS=a, which systemd hands to every service, overrides plugins "
        "of kong.conf (systemctl unset-environment KONG_PLUGINS)");
  host.write("system.conf.d/x.conf", "[Manager]\n#\nDefaultEnvironment=KONG_PLUGINS=a\n");
  CHECK(holds(only(host), "system.conf.d/x.conf:3: KONG_PLUGINS=a, which systemd hands"));
}

TEST_CASE("a variable that is loaded although no file sets it any more is an obstacle") {
  ConfigurationFixture host;
  host.unit.loaded_environment = {{"KONG_NGINX_DAEMON=off", "KONG_PLUGINS=gone"}};
  CHECK(only(host) ==
        ":0: KONG_PLUGINS=gone is still set for kong.service, although its files set "
        "it no longer (systemctl daemon-reload)");
  host.unit_file("u", "[Service]\nUnsetEnvironment=KONG_PLUGINS\n");
  CHECK(host.obstacles().empty());
}

TEST_CASE("PassEnvironment= of one of ours is an obstacle, unless something beats or unsets it") {
  ConfigurationFixture host;
  host.unit_file("u", "[Service]\nPassEnvironment=HOME KONG_PLUGINS\n");
  CHECK(only(host) ==
        "u:2: PassEnvironment= gives kong.service the KONG_PLUGINS that systemd "
        "itself was started with, whatever it is (take KONG_PLUGINS out of that line)");
  host.unit_file("v", "[Service]\nPassEnvironment=\n");
  CHECK(host.obstacles().empty());
  host.unit_file("w", "[Service]\nPassEnvironment=KONG_PLUGINS\nUnsetEnvironment=KONG_PLUGINS\n");
  CHECK(host.obstacles().empty());
}

TEST_CASE("a command that sets a variable for itself is an obstacle") {
  ConfigurationFixture host;
  host.unit_file("u",
                 "[Service]\nExecReload=/bin/true\nExecReload=\n"
                 "ExecReload=/usr/bin/env KONG_PLUGINS=x /usr/local/bin/kong prepare\n");
  CHECK(only(host) ==
        "u:4: ExecReload of kong.service sets KONG_PLUGINS for its own command, which "
        "overrides all else (take it out of the command)");
  host.unit_file("v", "[Service]\nExecReload=\n");
  CHECK(host.obstacles().empty());
}

TEST_CASE(
    "an environment file that can't be seen is an obstacle, one that need not be there is not") {
  ConfigurationFixture host;
  host.unit_file("u", "[Service]\nEnvironmentFile=-/nonexistent/a\n");
  CHECK(host.obstacles().empty());
  host.unit_file("u", "[Service]\nEnvironmentFile=/nonexistent/a\nEnvironmentFile=-/root/no/b\n");
  CHECK(
      only(host) ==
      "u:2: EnvironmentFile=/nonexistent/a of kong.service can't be seen by the agent, nor what it "
      "overrides (keep '/nonexistent/a' below /etc, or remove the line)\n"
      "u:3: EnvironmentFile=-/root/no/b of kong.service can't be seen by the agent, nor what it "
      "overrides (keep '/root/no/b' below /etc, or remove the line)");
}

TEST_CASE("a unit whose commands read something else is an obstacle") {
  ConfigurationFixture host;
  host.scene.by_default = false;
  REQUIRE(host.obstacles().size() == 2);
  CHECK(holds(host.obstacles()[0], "ExecReload of kong.service does not have Kong read"));
  CHECK(holds(host.obstacles()[1], "when it starts"));
}

TEST_CASE("what Kong has and no file says was set by whoever started it") {
  ConfigurationFixture host;
  host.by_hand();
  host.kong_conf("#\nplugins = a , b\n");
  host.kong_env("plugins = a,b\nlua_package_path = ./?.lua;./?/init.lua;\n");
  CHECK(host.obstacles().empty());
  host.kong_env("plugins = c\nlua_package_path = /opt/?.lua\n");
  const auto lines = host.obstacles();
  REQUIRE(lines.size() == 2);
  CHECK(holds(lines[0],
              "kong.conf:0: kong.conf leaves lua_package_path at "
              "'./?.lua;./?/init.lua;', but Kong has '/opt/?.lua' (KONG_LUA_PACKAGE_PATH "
              "was set when Kong was started or reloaded"));
  CHECK(holds(lines[1],
              "kong.conf:2: kong.conf says plugins = 'a , b', but Kong has 'c' "
              "(KONG_PLUGINS was set"));
  host.scene.edited_since = true;
  CHECK(holds(host.obstacles()[1], "warning: kong.conf:2: kong.conf says plugins"));
  CHECK(holds(host.obstacles()[1], "was edited after Kong last read it"));
}

TEST_CASE("a Kong that was started by hand with another file is not reloaded from this one") {
  ConfigurationFixture host;
  host.by_hand();
  host.kong_conf("plugins = bundled\nproxy_listen = 0.0.0.0:8000, 0.0.0.0:8443 ssl\n");
  const std::string same =
      "plugins = bundled\nlua_package_path = ./?.lua;./?/init.lua;\nproxy_listen = "
      "0.0.0.0:8000,0.0.0.0:8443 ssl\npg_host = 127.0.0.1\nadmin_listen = 127.0.0.1:8001\n";
  host.kong_env(same + "database = postgres\nrole = traditional\n");
  CHECK(host.obstacles().empty());
  host.kong_env(same + "database = off\nrole = traditional\n");
  CHECK(only(host) ==
        "kong.conf:0: Kong was started by hand with database = 'off', but kong.conf leaves it at "
        "'postgres': to reload it from this file would make another gateway of it (write into it "
        "what Kong was started with; or name the file that it was started with as [kong] conf in "
        "agent.toml)");
  host.scene.edited_since = true;
  CHECK(host.obstacles().empty());
  host.scene.edited_since = false;
  host.kong_conf("database = off\ndeclarative_config = /a.yml\nproxy_listen = 0.0.0.0:8000\n");
  host.kong_env(same + "database = off\ndeclarative_config = /b.yml\n");
  REQUIRE(host.obstacles().size() == 2);
  CHECK(
      holds(host.obstacles()[0], "kong.conf:2: Kong was started by hand with declarative_config"));
  CHECK(holds(host.obstacles()[1], "kong.conf:3: Kong was started by hand with proxy_listen"));
  host.kong_conf("database = off\ndeclarative_config = {vault://env/x}\n");
  CHECK(host.obstacles().empty());
}

TEST_CASE("where the environment is managed its variables are none of the obstacles") {
  ConfigurationFixture host;
  host.scene.by_environment = true;
  host.unit_file("u", "[Service]\nEnvironment=KONG_PLUGINS=a KONG_LUA_PACKAGE_PATH=/x/?.lua\n");
  host.unit.loaded_environment.emplace();
  CHECK(host.obstacles().empty());
  host.kong_env("plugins = a\nlua_package_path = /y/?.lua\n");
  CHECK(holds(only(host), "u:2: u says lua_package_path = '/x/?.lua', but Kong has '/y/?.lua'"));
  host.unit_file("v", "[Service]\nUnsetEnvironment=KONG_PLUGINS\n");
  CHECK(only(host) ==
        "v:2: UnsetEnvironment= takes KONG_PLUGINS away from kong.service (take it out "
        "of that line)");
}

TEST_CASE("the managed file is the one in which both variables stand") {
  ConfigurationFixture host;
  host.unit_file("etc/u.d/a.conf",
                 "[Service]\nEnvironment=KONG_PLUGINS=a KONG_LUA_PACKAGE_PATH=/x\n");
  CHECK(host.managed() == "unit etc/u.d/a.conf");
  host.write("env", "KONG_PLUGINS=b\nKONG_LUA_PACKAGE_PATH=/y\n");
  host.unit_file("usr/u", "[Service]\nEnvironmentFile=" + host.at("env") + "\n");
  CHECK(host.managed() == "environment-file env");
}

TEST_CASE("a variable that stands nowhere joins the other one, with what Kong has for it now") {
  ConfigurationFixture host;
  host.kong_conf("lua_package_path = /from/conf/?.lua\n");
  host.write("env", "KONG_PLUGINS=b\n");
  host.unit_file("u", "[Service]\nEnvironmentFile=" + host.at("env") + "\n");
  CHECK(host.managed() == "environment-file env, lacks path /from/conf/?.lua");
  host.write("env", "KONG_LUA_PACKAGE_PATH=/x\n");
  host.manager = "KONG_PLUGINS=by-systemd\n";
  CHECK(host.managed() == "environment-file env, lacks plugins by-systemd");
}

TEST_CASE("where no file can be managed, the lines to write are told") {
  ConfigurationFixture host;
  host.kong_conf("plugins = bundled,own\n");
  CHECK(host.managed() ==
        ":0: [kong] configure = \"environment\", but nothing sets KONG_LUA_PACKAGE_PATH or "
        "KONG_PLUGINS for kong.service (write "
        "'Environment=\"KONG_LUA_PACKAGE_PATH=./?.lua;./?/init.lua;\"' and "
        "'Environment=\"KONG_PLUGINS=bundled,own\"' below [Service] into "
        "etc/kong.service.d/kongfleet.conf, then systemctl daemon-reload)");
  host.unit_file("usr/u", "[Service]\nEnvironment=KONG_PLUGINS=a\n");
  CHECK(host.managed().starts_with(
      "usr/u:2: KONG_PLUGINS is set in a unit file that is not this host's own: what is written "
      "there goes with the next upgrade (systemctl edit kong.service: write "));
  host.by_hand();
  CHECK(host.managed().starts_with(
      ":0: [kong] configure = \"environment\" needs a systemd unit that owns Kong"));
}

TEST_CASE("two variables in two files are refused, with the line that has to move") {
  ConfigurationFixture host;
  host.unit_file("usr/u", "[Service]\nEnvironment=KONG_LUA_PACKAGE_PATH=/x\n");
  host.unit_file("etc/a.conf", "[Service]\n#\nEnvironment=KONG_PLUGINS=a\n");
  CHECK(host.managed() ==
        "usr/u:2: KONG_LUA_PACKAGE_PATH is set here and KONG_PLUGINS in etc/a.conf:3; for "
        "kong.service one file has to set both, so that one switch changes both (write "
        "'Environment=\"KONG_LUA_PACKAGE_PATH=/x\"' into etc/a.conf, below line 3, and take it out "
        "here)");
  host.write("env", "KONG_LUA_PACKAGE_PATH=/y\n");
  host.unit_file("etc/b.conf", "[Service]\nEnvironmentFile=" + host.at("env") + "\n");
  CHECK(host.managed() ==
        "etc/a.conf:3: KONG_PLUGINS is set here and KONG_LUA_PACKAGE_PATH in env:1; for "
        "kong.service one file has to set both, so that one switch changes both (write "
        "'KONG_PLUGINS=a' into env, below line 1, and take it out here)");
}

TEST_CASE("a file that is gone after a reboot is no file to manage") {
  KongUnit unit;
  unit.name = "kong.service";
  unit.variables = {{"KONG_PLUGINS", "a", "/run/kong/env", 1, VariableSource::EnvironmentFile}};
  ConfigurationScene scene;
  scene.unit = &unit;
  const auto found = environment_to_manage(scene, "/etc/systemd/system");
  CHECK(std::get<Finding>(found).text ==
        "KONG_PLUGINS is set in a file that is gone after a reboot");
}

}  // namespace kongfleet::agent::test
