// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/lua_path.hpp"

#include "tests/agent/agent_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace kongfleet::agent::test {
namespace {

namespace fs = std::filesystem;

struct Scene {
  void put(const std::string& file) const {
    fs::create_directories((directory.path() / file).parent_path());
    std::ofstream(directory.path() / file) << "return {}\n";
  }
  /// What comes before our own entry, relative to the scene's directory; "" for nothing.
  std::string shadow(const std::string& before) {
    search.path =
        before + ";" + at("gen") + "/?.lua;" + at("gen") + "/?/init.lua;" + at("last") + "/?.lua;;";
    const auto found = shadow_before(
        search, directory.path() / "gen",
        {"kong/plugins/x/handler.lua", "kong/plugins/x/lib/init.lua", "kong/plugins/x/README"});
    return found ? found->file.lexically_relative(directory.path()).string() : "";
  }
  std::string at(const std::string& name) const { return (directory.path() / name).string(); }
  TempDir directory;
  LuaSearch search;
};

}  // namespace

TEST_CASE("an entry before ours that has one of our modules is what Lua loads") {
  Scene scene;
  scene.put("gen/kong/plugins/x/handler.lua");
  scene.put("last/kong/plugins/x/handler.lua");
  CHECK(scene.shadow(scene.at("opt") + "/?.lua") == "");
  scene.put("opt/kong/plugins/y/handler.lua");
  CHECK(scene.shadow(scene.at("opt") + "/?.lua") == "");
  scene.put("opt/kong/plugins/x/handler.lua");
  CHECK(scene.shadow(scene.at("opt") + "/?.lua") == "opt/kong/plugins/x/handler.lua");
  CHECK(scene.shadow("/nonexistent/?.lua;" + scene.at("opt") + "/?.lua") ==
        "opt/kong/plugins/x/handler.lua");
  CHECK(scene.shadow(scene.at("opt") + "/?/init.lua") == "");
}

TEST_CASE("a directory with an init.lua is a module too") {
  Scene scene;
  scene.put("opt/kong/plugins/x/lib.lua");
  CHECK(scene.shadow(scene.at("opt") + "/?.lua") == "opt/kong/plugins/x/lib.lua");
  scene.put("other/kong/plugins/x/lib/init.lua");
  CHECK(scene.shadow(scene.at("other") + "/?/init.lua") == "other/kong/plugins/x/lib/init.lua");
}

TEST_CASE("relative entries begin where the master does, if that is known") {
  Scene scene;
  scene.put("home/kong/plugins/x/handler.lua");
  CHECK(scene.shadow("./?.lua") == "");
  scene.search.base = scene.at("home");
  CHECK(scene.shadow("./?.lua") == "home/kong/plugins/x/handler.lua");
}

TEST_CASE("an empty entry in the midst stands for nginx's own directories") {
  Scene scene;
  scene.put("share/kong/plugins/x/handler.lua");
  CHECK(scene.shadow("/nonexistent/?.lua;") == "");
  scene.search.roots = {scene.at("share")};
  CHECK(scene.shadow("/nonexistent/?.lua;") == "share/kong/plugins/x/handler.lua");
}

}  // namespace kongfleet::agent::test
