// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// The rows of verify.hpp's table that a running Kong can show.
#include "agent/durable_file.hpp"
#include "agent/preflight.hpp"
#include "tests/agent/kong_scene.hpp"

#include <sys/stat.h>

#include <fstream>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::vector<std::string> as_data_plane{
    "role = data_plane", "cluster_cert = @/cluster.crt", "cluster_cert_key = @/cluster.key",
    "cluster_control_plane = 127.0.0.1:1", "declarative_config ="};

std::vector<std::string> without_log(std::vector<std::string> settings) {
  settings.emplace_back("proxy_error_log = /dev/stderr");
  settings.emplace_back("log_level = error");
  return settings;
}

/// Commands of systemd's that tell of a test's Kong as of kong.service, and of its log as of the
/// journal: a cursor is a position in it.
struct AsUnit {
  explicit AsUnit(const TestKong& kong) : config(kong.config()) {
    const auto bin = kong.directory() / "systemd";
    const auto prefix = (kong.directory() / "k").string();
    const auto arguments = " -c " + config.conf.string() + " -p " + prefix;
    const auto command = [&](const char* name, const std::string& script) {
      kong.write(bin / name, "#!/bin/sh\n" + script);
      ::chmod((bin / name).c_str(), 0755);
    };
    command("systemctl", "case $1 in\nreload) " + config.binary + " prepare" + arguments + " && " +
                             config.binary + " reload" + arguments +
                             ";;\nshow) echo Id=kong.service; echo LoadState=loaded\n"
                             "echo MainPID=$(cat " +
                             prefix + "/pids/nginx.pid);;\nesac\n");
    command("journalctl", "log=" + prefix +
                              "/logs/error.log\ncase \"$*\" in\n"
                              "*--show-cursor*) echo \"-- cursor: $(wc -c <$log)\";;\n"
                              "*--after-cursor=*) tail -c +$((${*##*--after-cursor=} + 1)) $log;;\n"
                              "esac\n");
    config.unit = "kong.service";
    paths.systemd = bin;
    paths.path = bin.string() + ":" + paths.path;
  }
  Config config;
  HostPaths paths;
};

/// Deploys a handler that can't be loaded; how long it took to be told.
Verdict reject(Scene& scene) {
  scene.kong.make("bad", "3.0.0", "error(\"boom at require\")\n");
  const auto began = Clock::now();
  auto verdict = scene.deploy("bad");
  CHECK_FALSE(verdict.ok);
  CHECK(Clock::now() - began < 25s);
  return verdict;
}

}  // namespace

TEST_CASE("a data plane is proven by its workers, its log and its Status API") {
  Scene scene(any_version(), as_data_plane);
  CHECK(scene.facts.role == "data_plane");
  CHECK(scene.facts.admin == "");
  CHECK_FALSE(scene.facts.status.empty());
  scene.require_good(scene.deploy("gen2"));
  CHECK(holds(reject(scene).cause, "boom at require"));
  scene.require_good(scene.deploy("gen1"));
}

TEST_CASE("a data plane whose log goes where nobody reads is proven by old and new side by side") {
  Scene scene(TestKong::versions().front(), without_log(as_data_plane));
  CHECK(scene.facts.error_log == "");
  scene.require_good(scene.deploy("gen2"));
  CHECK(holds(reject(scene).cause, "Kong rejected the reload: the old workers stay"));
  scene.require_good(scene.deploy("gen1"));
}

TEST_CASE("a log that is rotated, truncated or deleted during the reload hides nothing for long") {
  auto& scene = shared_scene(TestKong::versions().front());
  const auto log = scene.facts.error_log;
  scene.kong.make("bad", "3.0.0", "error(\"boom at require\")\n");
  const auto reload_while = [&](const std::string& generation, const std::function<void()>& event) {
    scene.kong.configure(generation);
    scene.before = scene.node.snapshot(scene.facts);
    event();
    REQUIRE(scene.node.reload(scene.facts, Clock::now() + 60s) == "");
    return scene.node.verify(scene.facts, scene.before, scene.expectation(generation, 60s));
  };
  const auto rotate = [&] {
    fs::rename(log, log.string() + ".1");
    std::ofstream(log).flush();
  };
  // Until it is told, the master writes to the renamed one; a reload that it accepts tells it.
  CHECK(holds(reload_while("bad", rotate).cause, "boom at require"));
  scene.require_good(reload_while("gen2", rotate));
  CHECK(holds(reload_while("bad", [&] { fs::resize_file(log, 0); }).cause, "boom at require"));
  CHECK(holds(reload_while("bad", [&] { fs::remove(log); }).cause, "boom at require"));
  scene.require_good(reload_while("gen1", [&] { fs::remove(log); }));
}

TEST_CASE(
    "a Kong of systemd's, whose log is the journal's, is proven and rejected by what is there") {
  TestKong kong(TestKong::versions().back());
  kong.start();
  const AsUnit unit(kong);
  KongNode node(unit.config, unit.paths);
  auto facts = node.inspect();
  CHECK(facts.unit == "kong.service");
  facts.error_log = "";
  facts.admin = "";
  const auto deploy = [&](const std::string& generation) {
    kong.configure(generation);
    const auto before = node.snapshot(facts);
    CHECK_FALSE(before.log_cursor.empty());
    REQUIRE(node.reload(facts, Clock::now() + 60s) == "");
    Expectation expected;
    expected.lua_package_path = kong.path_value(generation);
    expected.plugins = "bundled,my-plugin";
    expected.deadline = Clock::now() + 60s;
    return node.verify(facts, before, expected);
  };
  CHECK(deploy("gen2").cause == "");
  kong.make("bad", "3.0.0", "error(\"boom at require\")\n");
  const auto bad = deploy("bad");
  CHECK(holds(bad.cause, "boom at require"));
  CHECK(holds(bad.error_log, "boom at require"));
}

TEST_CASE("a broken status_api.lua is seen by the Status API") {
  auto& scene = shared_scene(any_version());
  scene.kong.make("gen6", "6.0.0");
  scene.kong.write(scene.kong.gen("gen6") / "kong/plugins/my-plugin/status_api.lua", "return {\n");
  const auto verdict = scene.deploy("gen6");
  CHECK(verdict.cause == "the Status API answers 500");
  scene.require_good(scene.deploy("gen1"));
}

TEST_CASE("another VERSION than the handler's is none of ours, where Kong tells it") {
  auto& scene = shared_scene(any_version());
  scene.kong.configure("gen2");
  scene.before = scene.node.snapshot(scene.facts);
  REQUIRE(scene.node.reload(scene.facts, Clock::now() + 60s) == "");
  auto expected = scene.expectation("gen2", 60s);
  expected.versions = {{"my-plugin", "2.0.0"}};
  scene.require_good(scene.node.verify(scene.facts, scene.before, expected));
  expected.versions = {{"my-plugin", "2.0.1"}};
  const auto verdict = scene.node.verify(scene.facts, scene.before, expected);
  CHECK(verdict.ok == !version_at_least(scene.facts.version, 3, 0));
  if (!verdict.ok)
    CHECK(verdict.cause == "plugin my-plugin runs in version 2.0.0 instead of 2.0.1");
}

TEST_CASE("a reload that never comes is not blamed on the generation") {
  auto& scene = shared_scene(TestKong::versions().front());
  scene.require_good(scene.deploy("gen1"));
  scene.kong.configure("gen2");
  scene.before = scene.node.snapshot(scene.facts);
  const auto verdict =
      scene.node.verify(scene.facts, scene.before, scene.expectation("gen2", 1500ms));
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause,
              "not proven within the time allowed: the reload never reached Kong's "
              "master process " +
                  std::to_string(scene.before.master.pid)));
  CHECK(scene.kong.answer() == "200 1.0.0");
}

TEST_CASE("a master that hangs in what only it can see is named, and a restart helps") {
  Scene scene(TestKong::versions().front());
  // In a scratch prefix it is as good as any.
  scene.kong.make("hang", "3.0.0",
                  "local live = \"" + scene.facts.prefix.string() +
                      "\"\nwhile ngx.config.prefix():sub(1, #live) == live do end\n"
                      "return { PRIORITY = 1000, VERSION = \"3.0.0\" }\n");
  scene.kong.configure("hang");
  const auto candidate = scene.kong.config().state / "candidate.conf";
  scene.kong.write(candidate, read_file(scene.kong.config().conf));
  const auto report =
      scene.node.preflight(scene.facts, candidate, scene.kong.gen("hang"), Clock::now() + 60s);
  CHECK(report.findings.empty());
  const auto verdict = scene.deploy("hang", 2s);
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause, "not proven within the time allowed: Kong's master process " +
                                 std::to_string(scene.before.master.pid) +
                                 " has been at work on the reload for "));
  CHECK(holds(verdict.cause, "restart Kong once kong.conf names what loads"));
  CHECK(scene.kong.answer() == "200 1.0.0");  // the old workers serve on
  scene.kong.kill_all(scene.facts);
  scene.kong.configure("gen2");
  scene.kong.start();
  CHECK(scene.kong.answer() == "200 2.0.0");
}

}  // namespace kongfleet::agent::test
