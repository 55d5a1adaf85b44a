// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// What KongNode finds out of a host's configuration, with systemd and Kong's command played by
// scripts.
#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "proto/error.hpp"
#include "tests/agent/agent_fixture.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;

struct Host {
  Host() {
    config.conf = write("kong.conf", "prefix = " + at("prefix") + "\nplugins = bundled\n");
    config.binary = command("kong", "echo 3.4.2\n");
    config.state = directory.path();
    command("systemctl", "case \"$*\" in\n*recover*) cat " + at("recover") +
                             ";;\n*show-environment*) ;;\n*show*) cat " + at("shown") +
                             ";;\ndaemon-reload) echo x >>" + at("reloads") + ";;\nesac\n");
    write("recover", "LoadState=not-found\n");
    unit("[Service]\n");
  }
  fs::path write(const std::string& name, const std::string& text) const {
    const auto path = directory.path() / name;
    fs::create_directories(path.parent_path());
    fs::remove(path);
    write_all(create_file(path, 0644), text, path);
    return path;
  }
  std::string command(const std::string& name, const std::string& script) const {
    const auto path = write("bin/" + name, "#!/bin/sh\n" + script);
    ::chmod(path.c_str(), 0755);
    return path;
  }
  /// A kong.service of that text, and what systemctl shows of it.
  void unit(const std::string& text, const std::string& prefix = "") const {
    const auto path = write("etc/system/kong.service", text);
    const auto kong = "/usr/local/bin/kong prepare -c " + at("kong.conf") + prefix;
    std::string shown =
        "Id=kong.service\nLoadState=loaded\nMainPID=0\nFragmentPath=" + path.string() + "\n";
    for (const std::string key : {"ExecStartPre", "ExecReload"})
      shown += key + "={ path=/k ; argv[]=" + kong + " ; ignore_errors=no ; }\n";
    write("shown", shown);
  }
  KongNode node() const {
    HostPaths paths;
    paths.proc = directory.path() / "proc";
    paths.systemd = directory.path();
    paths.systemd_conf = directory.path() / "etc";
    paths.path = at("bin") + ":/usr/bin:/bin";
    return KongNode(config, paths);
  }
  std::string at(const std::string& name) const { return (directory.path() / name).string(); }
  std::string overrides(const GatewayFacts& facts) const {
    std::string text;
    for (const auto& finding : KongNode(node()).overrides(facts)) text += sentence(finding);
    return text;
  }
  TempDir directory;
  Config config;
};

const std::string both = "[Service]\nEnvironment=KONG_PLUGINS=a KONG_LUA_PACKAGE_PATH=/x/?.lua\n";

}  // namespace

TEST_CASE("a packaged host is managed in its kong.conf") {
  const Host host;
  const auto facts = host.node().inspect();
  CHECK(facts.managed_path() == host.config.conf);
  CHECK(facts.managed.kind == ConfigurationKind::KongConf);
  CHECK(facts.obstacles.empty());
  CHECK(facts.unit == "kong.service");
  CHECK(facts.prefix == host.at("prefix"));
  CHECK(facts.directory == "/");
  CHECK(host.overrides(facts).empty());
}

TEST_CASE("a host whose unit decides is refused in kong.conf, and managed in the environment") {
  Host host;
  host.unit(both);
  CHECK(holds(sentence(host.node().inspect().obstacles.at(0)),
              "kong.service:2: KONG_LUA_PACKAGE_PATH=/x/?.lua, set for kong.service, overrides"));
  host.config.configure = "environment";
  const auto facts = host.node().inspect();
  CHECK(facts.obstacles.empty());
  CHECK(facts.managed_path() == host.at("etc/system/kong.service"));
  CHECK(facts.managed.kind == ConfigurationKind::UnitFile);
  CHECK(host.overrides(facts).empty());
}

TEST_CASE("a host that is managed in the environment needs no kong.conf") {
  Host host;
  host.unit("[Service]\nEnvironment=KONG_PLUGINS=a KONG_PREFIX=" + host.at("other") + "\n");
  fs::remove(host.config.conf);
  CHECK_THROWS_WITH(host.node().inspect(), Catch::Contains("there is no such file"));
  host.config.configure = "environment";
  const auto facts = host.node().inspect();
  CHECK(facts.manageable());
  CHECK(facts.prefix == host.at("other"));
  CHECK(facts.managed.elsewhere.lua_package_path == "./?.lua;./?/init.lua;");
}

TEST_CASE("a host without a file to manage is told so, and its kong.conf is none") {
  Host host;
  host.config.configure = "environment";
  const auto facts = host.node().inspect();
  CHECK_FALSE(facts.manageable());
  CHECK(
      holds(sentence(facts.obstacles.at(0)), "nothing sets KONG_LUA_PACKAGE_PATH or KONG_PLUGINS"));
}

TEST_CASE("another file that decides since the plan was made is an override") {
  Host host;
  host.config.configure = "environment";
  host.unit(both);
  auto facts = host.node().inspect();
  facts.managed.path = "/etc/default/kong";
  CHECK(holds(host.overrides(facts), "kong.service: by now this file decides"));
}

TEST_CASE("where the recovery at boot can't write, nothing is changed") {
  const Host host;
  host.write("recover",
             "LoadState=loaded\nProtectSystem=strict\nReadWritePaths=/var/lib/kongfleet\n");
  const auto facts = host.node().inspect();
  CHECK(holds(host.overrides(facts), "kongfleet-recover.service can't write here"));
  host.write("recover", "LoadState=loaded\nProtectSystem=strict\nReadWritePaths=/tmp/x " +
                            fs::canonical(host.directory.path()).string() + "\n");
  CHECK(host.overrides(facts).empty());
}

TEST_CASE("the prefix is what the unit says, then kong.conf") {
  const Host host;
  host.unit("[Service]\n", " -p " + host.at("by-command"));
  CHECK(host.node().inspect().prefix == host.at("by-command"));
  host.unit("[Service]\nEnvironment=KONG_PREFIX=" + host.at("by-variable") + "\n");
  CHECK(host.node().inspect().prefix == host.at("by-variable"));
}

TEST_CASE("only a unit file makes systemd read anything anew") {
  const Host host;
  auto node = host.node();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  CHECK(node.make_known(ConfigurationKind::KongConf, deadline).empty());
  CHECK(node.make_known(ConfigurationKind::EnvironmentFile, deadline).empty());
  CHECK_FALSE(fs::exists(host.at("reloads")));
  CHECK(node.make_known(ConfigurationKind::UnitFile, deadline).empty());
  CHECK(fs::exists(host.at("reloads")));
}

}  // namespace kongfleet::agent::test
