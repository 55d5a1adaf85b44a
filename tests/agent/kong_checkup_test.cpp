// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// What a check-up learns of a running Kong.
#include "tests/agent/kong_scene.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <fstream>

namespace kongfleet::agent::test {

namespace {

namespace fs = std::filesystem;

std::string codes(const NodeDetails& details) {
  std::string text;
  for (const auto& finding : details.files) {
    UNSCOPED_INFO(finding.file << ": " << finding.text);
    text += (text.empty() ? "" : " ") + finding.code;
  }
  return text;
}

}  // namespace

TEST_CASE("the details of a Kong by hand that is well") {
  Scene scene(any_version(), {"nginx_main_worker_shutdown_timeout = 30s"});
  const auto details = scene.node.details(scene.facts, scene.kong.gen("gen1"), {"my-plugin"});
  CHECK(details.status_answers);
  CHECK(details.shutdown_timeout == "30s");
  CHECK(details.declarative == (scene.kong.directory() / "kong.yml").string());
  CHECK_FALSE(details.private_tmp);
  CHECK_FALSE(details.reload);
  CHECK_FALSE(details.start);
  CHECK(codes(details).empty());
}

TEST_CASE("the details of a Kong that lacks something, and of one that is gone") {
  Scene scene(TestKong::versions().back());
  CHECK(scene.node.details(scene.facts, {}, {}).shutdown_timeout.empty());
  auto facts = scene.facts;
  facts.status = "http://127.0.0.1:1";
  CHECK_FALSE(scene.node.details(facts, {}, {}).status_answers);
  facts.status.clear();
  CHECK_FALSE(scene.node.details(facts, {}, {}).status_answers);
}

TEST_CASE("a copy of a plugin is found where Lua looks for it, once it is not what serves") {
  HostPaths paths;
  TestKong elsewhere(TestKong::versions().back());
  elsewhere.make("copy", "0.9.0");
  paths.lua_roots.push_back(elsewhere.gen("copy"));
  Scene scene(TestKong::versions().back(), {}, paths);
  CHECK(codes(scene.node.details(scene.facts, scene.kong.gen("gen1"), {})) == "stale-copy");
  // Before the first rollout, and of a plugin that comes with the next one, it is what serves.
  fs::create_directories(scene.kong.gen("without"));
  auto facts = scene.facts;
  for (const auto& path : {std::string("./?.lua"), elsewhere.gen("copy").string() + "/?.lua"}) {
    facts.effective_path = path;
    CHECK(codes(scene.node.details(facts, {}, {"my-plugin"})).empty());
    CHECK(codes(scene.node.details(facts, scene.kong.gen("without"), {"my-plugin"})).empty());
  }
}

TEST_CASE("a rock that would be loaded instead of a plugin is told before it is deployed") {
  HostPaths paths;
  TestKong elsewhere(TestKong::versions().back());
  paths.rocks = elsewhere.gen("rocks");
  fs::create_directories(paths.rocks);
  std::ofstream(paths.rocks / "manifest") << R"(modules = {
   ["kong.plugins.my-plugin.handler"] = {
      "kong-plugin-my-plugin/0.9.0-1"
   },
})";
  Scene scene(TestKong::versions().back(), {}, paths);
  scene.facts.version = "3.8.0";
  const auto serving = scene.node.details(scene.facts, {}, {"my-plugin"});
  REQUIRE(codes(serving) == "shadow");
  CHECK(serving.files[0].advice.starts_with("it may be what serves: only when a rollout is about"));
  const auto shadowing = scene.node.details(scene.facts, scene.kong.gen("gen1"), {});
  REQUIRE(codes(shadowing) == "shadow");
  CHECK(shadowing.files[0].advice.starts_with("luarocks remove --tree="));
  CHECK(shadowing.files[0].advice.ends_with(" kong-plugin-my-plugin"));
  CHECK(codes(scene.node.details(scene.facts, {}, {"other"})).empty());
}

TEST_CASE("a copy that lua_package_path leads to is found, but for what is ours") {
  Scene scene(TestKong::versions().back());
  scene.kong.make("../copy", "0.9.0");
  const auto copy = scene.kong.directory() / "copy";
  auto facts = scene.facts;
  facts.effective_path = scene.kong.path_value("gen1") + ";" + copy.string() + "/?.lua";
  const auto details = scene.node.details(facts, scene.kong.gen("gen1"), {});
  REQUIRE(codes(details) == "stale-copy");
  CHECK(details.files[0].file == (copy / "kong/plugins/my-plugin").string());
  CHECK(details.files[0].warning);
}

TEST_CASE("a file that Kong's workers can't read is named with its place") {
  Scene scene(TestKong::versions().back());
  const auto schema = scene.kong.gen("gen1") / "kong/plugins/my-plugin/schema.lua";
  REQUIRE(::chmod(schema.c_str(), 0600) == 0);
  const auto details = scene.node.details(scene.facts, scene.kong.gen("gen1"), {});
  if (codes(details).empty()) return;  // the workers are the owner's own
  REQUIRE(codes(details) == "unreadable");
  CHECK(details.files[0].file == schema.string());
}

}  // namespace kongfleet::agent::test
