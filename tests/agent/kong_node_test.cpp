// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// The agent against a running Kong: what a good reload looks like, and every way one fails.
#include "agent/kong_node.hpp"

#include "agent/kong_processes.hpp"
#include "tests/agent/kong_scene.hpp"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace kongfleet::agent::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_CASE("inspect finds what runs, where, and how to reach it") {
  Scene scene(any_version());
  CHECK(scene.facts.running);
  CHECK(scene.facts.prefix == scene.kong.directory() / "k");
  CHECK(scene.facts.error_log == scene.kong.directory() / "k/logs/error.log");
  CHECK(scene.facts.unit == "");
  CHECK(scene.facts.role == "traditional");
  CHECK(scene.facts.admin.starts_with("http://127.0.0.1:"));
  CHECK(scene.facts.status.starts_with("http://127.0.0.1:"));
  CHECK(scene.facts.effective_path == scene.kong.path_value("gen1"));
  CHECK(scene.facts.effective_plugins == "bundled,my-plugin");
  CHECK(scene.node.overrides(scene.facts).empty());
}

TEST_CASE("a good reload is proven, there and back") {
  Scene scene(any_version());
  scene.require_good(scene.deploy("gen2"));
  CHECK(scene.kong.answer() == "200 2.0.0");
  const auto later = scene.node.still(scene.facts, scene.before, scene.expectation("gen2", 0ms));
  CHECK(later.cause == "");
  CHECK(later.ok);
  scene.require_good(scene.deploy("gen1"));
  CHECK(scene.kong.answer() == "200 1.0.0");
}

TEST_CASE("a good reload is proven without an Admin API, and with a log that holds errors only") {
  Scene scene(any_version(), {"log_level = error"});
  scene.facts.admin = "";
  scene.require_good(scene.deploy("gen2"));
  CHECK(scene.kong.answer() == "200 2.0.0");
}

TEST_CASE("a generation that takes long to load is waited for") {
  Scene scene(any_version());
  scene.kong.make("slow", "1.5.0",
                  "local t = os.time() + 3\nwhile os.time() < t do end\n"
                  "return { PRIORITY = 1000, VERSION = \"1.5.0\" }\n");
  scene.require_good(scene.deploy("slow"));
}

TEST_CASE("a reload that is not over in time is not taken for a success") {
  Scene scene(any_version());
  scene.kong.make("slow", "1.5.0",
                  "local t = os.time() + 4\nwhile os.time() < t do end\n"
                  "return { PRIORITY = 1000, VERSION = \"1.5.0\" }\n");
  const auto verdict = scene.deploy("slow", 1s);
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause, "not proven within the time allowed"));
}

TEST_CASE(
    "a reload that Kong rejects is told at once, in Kong's words, and the way back is proven") {
  struct Broken {
    std::string handler;
    std::string words;
  };
  const auto broken = GENERATE(
      values<Broken>({{"local H = {\nlocal x\n", "error loading module"},
                      {"error(\"boom at require\")\n", "boom at require"},
                      {"local m = require \"no.such.module\"\nreturn {}\n", "no.such.module"}}));
  Scene scene(TestKong::versions().back());
  scene.kong.make("bad", "3.0.0", broken.handler);
  const auto began = Clock::now();
  const auto verdict = scene.deploy("bad");
  CHECK_FALSE(verdict.ok);
  CHECK(Clock::now() - began < 30s);
  CHECK(holds(verdict.cause, "Kong rejected the reload: init_by_lua error"));
  CHECK(holds(verdict.cause, broken.words));
  CHECK(holds(verdict.error_log, "init_by_lua error"));
  CHECK(scene.kong.answer() == "200 1.0.0");
  scene.require_good(scene.deploy("gen1"));
  CHECK(scene.kong.answer() == "200 1.0.0");
}

TEST_CASE("a rejected reload is told with log_level error, too") {
  Scene scene(any_version(), {"log_level = error"});
  scene.kong.make("bad", "3.0.0", "error(\"boom at require\")\n");
  const auto verdict = scene.deploy("bad");
  CHECK(holds(verdict.cause, "boom at require"));
}

TEST_CASE("new pids with the old code are no success: rejected, then all workers killed") {
  Scene scene(any_version());
  scene.kong.make("bad", "3.0.0", "error(\"boom at require\")\n");
  CHECK_FALSE(scene.deploy("bad").ok);
  scene.kong.kill_workers(scene.facts);
  // As if there were no log, then as if there were no Admin API either.
  scene.facts.error_log = "";
  const auto by_admin = scene.node.verify(scene.facts, scene.before, scene.expectation("bad", 20s));
  CHECK_FALSE(by_admin.ok);
  CHECK(holds(by_admin.cause, "lua_package_path"));
  scene.facts.admin = "";
  const auto by_processes =
      scene.node.verify(scene.facts, scene.before, scene.expectation("bad", 2s));
  CHECK_FALSE(by_processes.ok);
  CHECK(holds(by_processes.cause, "nothing shows that they came from an accepted reload"));
  CHECK(scene.kong.answer() == "200 1.0.0");
}

TEST_CASE("a port that is taken is told") {
  Scene scene(any_version());
  scene.kong.configure("gen2");
  auto config = scene.kong.config();
  Scene other(TestKong::versions().back());
  // Kong is made to listen where the other one does.
  scene.kong.write(config.conf, [&] {
    return "prefix = " + scene.facts.prefix.string() +
           "\ndatabase = off\nproxy_listen = " + other.kong.proxy() +
           "\nadmin_listen = " + scene.facts.admin.substr(7) +
           "\nadmin_gui_listen = off\nnginx_worker_processes = 2\nanonymous_reports = off\n"
           "plugins = bundled\n";
  }());
  scene.before = scene.node.snapshot(scene.facts);
  REQUIRE(scene.node.reload(scene.facts, Clock::now() + 60s) == "");
  const auto verdict = scene.node.verify(scene.facts, scene.before, scene.expectation("gen2", 60s));
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause, "Kong rejected the reload: "));
  CHECK(holds(verdict.error_log, "bind() to " + other.kong.proxy()));
}

TEST_CASE("a plugin that fails on every request is seen by a probe only") {
  Scene scene(any_version());
  scene.kong.make("gen4", "4.0.0",
                  "local H = { PRIORITY = 1000, VERSION = \"4.0.0\" }\n"
                  "function H:access(conf) local t = nil; return t.x end\nreturn H\n");
  scene.require_good(scene.deploy("gen4"));
  ProbeSpec probe;
  probe.name = "a";
  probe.url = "http://" + scene.kong.proxy() + "/a";
  probe.interval = 10ms;
  const auto bad = scene.node.probe(probe, Clock::now() + 30s);
  CHECK_FALSE(bad.ok);
  CHECK(bad.detail == "status 500 instead of 200");
  scene.require_good(scene.deploy("gen1"));
  probe.header = {{"X-MyPlugin", "^1\\.0\\.0$"}};
  const auto good = scene.node.probe(probe, Clock::now() + 30s);
  CHECK(good.ok);
  CHECK(good.detail == "200, X-MyPlugin matches '^1\\.0\\.0$'");
  CHECK(good.tries == 3);
}

TEST_CASE("workers that come up broken are no success, and the way back is") {
  Scene scene(any_version());
  scene.kong.make("gen5", "5.0.0",
                  "local H = { PRIORITY = 1000, VERSION = \"5.0.0\" }\n"
                  "function H:init_worker() error(\"boom in init_worker\") end\nreturn H\n");
  const auto verdict = scene.deploy("gen5");
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause, "a new worker is degraded"));
  CHECK(holds(verdict.cause, "boom in init_worker"));
  scene.kong.answer();  // leaves "unsafe request processing" by an old worker in the log
  scene.require_good(scene.deploy("gen1"));
}

TEST_CASE("a broken api.lua is seen by the Admin API") {
  Scene scene(any_version());
  scene.kong.make("gen6", "6.0.0");
  scene.kong.write(scene.kong.gen("gen6") / "kong/plugins/my-plugin/api.lua", "return {\n");
  const auto verdict = scene.deploy("gen6");
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause, "answers 500"));
  scene.require_good(scene.deploy("gen1"));
}

TEST_CASE("what nginx itself refuses is the reload's own error, and does not poison the next") {
  Scene scene(any_version());
  scene.kong.configure("gen2");
  auto text = "nginx_http_nosuchdirective = 1\n";
  const auto conf = scene.kong.config().conf;
  scene.kong.write(conf, "prefix = " + scene.facts.prefix.string() + "\ndatabase = off\n" + text);
  scene.before = scene.node.snapshot(scene.facts);
  const auto problem = scene.node.reload(scene.facts, Clock::now() + 60s);
  CHECK(holds(problem, "kong prepare: exit code 1"));
  CHECK(holds(problem, "nosuchdirective"));
  scene.require_good(scene.deploy("gen2"));
}

TEST_CASE("who has the pid of a master that ended while its reload was prepared gets no signal") {
  Scene scene(any_version());
  const std::string title = "nginx: master process nginx";
  const pid_t bystander = ::fork();
  if (bystander == 0) ::execl("/bin/sleep", title.c_str(), "1000", nullptr);
  const auto file = (scene.facts.prefix / "pids/nginx.pid").string();
  const auto wrapper = scene.kong.directory() / "kong";
  scene.kong.write(wrapper, "#!/bin/sh\nkill -TERM $(cat '" + file + "')\nwhile [ -e '" + file +
                                "' ]; do sleep 0.02; done\necho " + std::to_string(bystander) +
                                " > '" + file + "'\nexec '" + scene.facts.binary.string() +
                                "' \"$@\"\n");
  std::filesystem::permissions(wrapper, std::filesystem::perms::owner_all);
  const auto master = scene.node.snapshot(scene.facts).master;
  auto facts = scene.facts;
  facts.binary = wrapper;
  CHECK(scene.node.reload(facts, Clock::now() + 60s) ==
        "signal HUP to Kong's master process " + std::to_string(master.pid) + ": it has ended");
  REQUIRE(::kill(bystander, SIGUSR1) == 0);
  int status = 0;
  REQUIRE(::waitpid(bystander, &status, 0) == bystander);
  CHECK(WTERMSIG(status) == SIGUSR1);  // HUP, by its number, would have been first
}

TEST_CASE("a Kong that does not run is not started, and says so") {
  Scene scene(any_version());
  REQUIRE(scene.kong.command({"quit", "-p", scene.facts.prefix.string()}) == 0);
  const auto facts = scene.node.inspect();
  CHECK_FALSE(facts.running);
  CHECK(holds(scene.node.reload(facts, Clock::now() + 10s), "Kong is not running"));
  CHECK_FALSE(scene.node.inspect().running);
  CHECK_FALSE(
      scene.node.verify(facts, scene.node.snapshot(facts), scene.expectation("gen1", 5s)).ok);
}

}  // namespace kongfleet::agent::test
