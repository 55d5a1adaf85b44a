// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/effective_configuration.hpp"

#include "tests/agent/configuration_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

TEST_CASE("a key that nobody sets has Kong's default") {
  const ConfigurationFixture host;
  CHECK(host.plugins() == "bundled by default");
  CHECK(host.path() == "./?.lua;./?/init.lua; by default");
}

TEST_CASE("kong.conf beats the default, its last line all others") {
  ConfigurationFixture host;
  host.kong_conf("plugins = a\nlua-package-path = /x/?.lua\nplugins = b\n");
  CHECK(host.plugins() == "b by kong.conf:3");
  CHECK(host.path() == "/x/?.lua by kong.conf:2");
}

TEST_CASE("a variable that systemd hands out beats kong.conf, and Environment= beats both") {
  ConfigurationFixture host;
  host.kong_conf("plugins = a\n");
  host.write("system.conf", "[Manager]\nDefaultEnvironment=X=1 \"KONG_PLUGINS=by systemd\"\n");
  host.manager = "KONG_PLUGINS=$'by systemd'\n";
  CHECK(host.plugins() == "by systemd by systemd:system.conf:2");
  host.unit_file("kong.service", "[Service]\nEnvironment=KONG_PLUGINS=unit\n");
  CHECK(host.plugins() == "unit by unit:kong.service:2");
}

TEST_CASE("a later drop-in beats an earlier one, and an environment file all of them") {
  ConfigurationFixture host;
  host.unit_file("kong.service", "[Service]\nEnvironment=KONG_PLUGINS=unit\n");
  host.unit_file("10.conf", "[Service]\n\nEnvironment='KONG_PLUGINS=ten'\n");
  CHECK(host.plugins() == "ten by unit:10.conf:3");
  host.unit_file("20.conf", "[Service]\nEnvironmentFile=-" + host.at("env") + "\n");
  CHECK(host.plugins() == "ten by unit:10.conf:3");
  host.write("env", "# note\nKONG_PLUGINS=file\n");
  CHECK(host.plugins() == "file by environment file:env:2");
  host.unit_file("30.conf", "[Service]\nEnvironment=KONG_PLUGINS=thirty\n");
  CHECK(host.plugins() == "file by environment file:env:2");
  host.write("env2", "KONG_PLUGINS=second\n");
  host.unit_file("40.conf", "[Service]\nEnvironmentFile=" + host.at("env2") + "\n");
  CHECK(host.plugins() == "second by environment file:env2:1");
}

TEST_CASE("an empty variable beats kong.conf, an empty Environment= only other variables") {
  ConfigurationFixture host;
  host.kong_conf("plugins = a\n");
  host.unit_file("kong.service", "[Service]\nEnvironment=KONG_PLUGINS=\n");
  CHECK(host.plugins() == " by unit:kong.service:2");
  host.unit_file("10.conf", "[Service]\nEnvironment=\n");
  CHECK(host.plugins() == "a by kong.conf:1");
}

TEST_CASE("names in lower case, exports and what UnsetEnvironment= takes away are no variables") {
  ConfigurationFixture host;
  host.unit_file("kong.service",
                 "[Service]\nEnvironment=kong_plugins=a Kong_Plugins=b\n"
                 "EnvironmentFile=" +
                     host.at("env") + "\n");
  host.write("env", "export KONG_PLUGINS=c\nkong_lua_package_path=d\n");
  CHECK(host.plugins() == "bundled by default");
  CHECK(host.path() == "./?.lua;./?/init.lua; by default");
  host.write("env", "KONG_PLUGINS=c\r\n");
  CHECK(host.plugins() == "c by environment file:env:1");
  host.unit_file("10.conf", "[Service]\nUnsetEnvironment=KONG_PLUGINS=other\n");
  CHECK(host.plugins() == "c by environment file:env:1");
  host.unit_file("20.conf", "[Service]\nUnsetEnvironment=KONG_PLUGINS=c\n");
  CHECK(host.plugins() == "bundled by default");
}

TEST_CASE("specifiers that the unit's name decides are known, in values and in paths") {
  ConfigurationFixture host;
  host.unit.name = "kong@edge.service";
  host.unit_file("u", "[Service]\nEnvironment=KONG_PLUGINS=%i-%%-%p\nEnvironmentFile=" +
                          host.at("%N.env") + "\n");
  CHECK(host.plugins() == "edge-%-kong by unit:u:2");
  host.write("kong@edge.env", "KONG_PLUGINS=file\n");
  CHECK(host.plugins() == "file by environment file:kong@edge.env:1");
}

TEST_CASE("environment files may be named by a pattern") {
  ConfigurationFixture host;
  host.unit_file("u", "[Service]\nEnvironmentFile=" + host.at("env.?/[a-c]*.env") + "\n");
  host.write("env.d/a.env", "KONG_PLUGINS=a\n");
  host.write("env.d/b.env", "KONG_PLUGINS=b\n");
  host.write("env.d/d.env", "KONG_PLUGINS=d\n");
  CHECK(host.plugins() == "b by environment file:env.d/b.env:1");
}

TEST_CASE("what .kong_env says otherwise nobody knows the source of") {
  ConfigurationFixture host;
  host.kong_conf("plugins = a\n");
  host.kong_env("plugins = a\nlua_package_path = ./?.lua;./?/init.lua;\n");
  CHECK(host.plugins() == "a by kong.conf:1");
  host.kong_env("plugins = other\nlua_package_path = ./?.lua;./?/init.lua;\n");
  CHECK(host.plugins() == "other by nobody knows");
  host.scene.edited_since = true;
  CHECK(host.plugins() == "a by kong.conf:1");
}

}  // namespace kongfleet::agent::test
