// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plugin_lint.hpp"

#include "controller/lua_syntax.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"
#include <cstdlib>

namespace kongfleet::controller {

namespace {

using Texts = std::vector<std::string>;

const std::string home = "kong/plugins/my-plugin/";

Texts texts(const std::vector<Finding>& findings) {
  Texts out;
  for (const auto& finding : findings) out.push_back(replaced(text_of(finding), home, ""));
  return out;
}

Texts lint(const PluginTree& tree, const std::string& version = "1.0.0") {
  return texts(lint_plugin(
      tree, {.name = *PluginName::parse("my-plugin"), .version = Version::parse(version)}));
}

PluginTree with_handler(const std::string& handler) {
  auto tree = good_tree("my-plugin");
  tree.files[0].content = handler;
  return tree;
}

PluginTree with_file(const std::string& path, const std::string& content, unsigned mode = 0644) {
  auto tree = good_tree("my-plugin");
  tree.files.push_back({path, mode, content});
  return tree;
}

const std::string fields = "PRIORITY = 1, VERSION = \"1.0.0\"";

std::filesystem::path some_lua() {
  const char* path = std::getenv("PATH");
  const auto lua = find_lua(path == nullptr ? "" : path);
  if (!lua) throw Error("this test needs luajit in PATH");
  return *lua;
}

}  // namespace

TEST_CASE("a good plugin gives no findings") { CHECK(lint(good_tree("my-plugin")).empty()); }

TEST_CASE("missing files are errors, and a wrong name is guessed at") {
  PluginTree tree{.root = "t"};
  tree.files = good_tree("my_plugin").files;
  CHECK(lint(tree)[0] ==
        "handler.lua: error: is missing; Kong needs it to load the plugin (the tree holds "
        "'my_plugin' instead; is the name right?)");
  auto half = good_tree("my-plugin");
  half.files.pop_back();
  CHECK(lint(half) == Texts{"schema.lua: error: is missing; Kong needs it to load the plugin"});
}

TEST_CASE("what Kong 3 demands of a handler is warned about") {
  CHECK(lint(with_handler("return {}\n")) ==
        Texts{"handler.lua: warning: has no VERSION; Kong 3 refuses to load it",
              "handler.lua: warning: has no PRIORITY; Kong 3 refuses to load it"});
  CHECK(lint(with_handler("return {\nPRIORITY = 1.5, VERSION = \"1.0-rc1\" }\n"), "1.0-rc1") ==
        Texts{"handler.lua:2: warning: VERSION \"1.0-rc1\" is not of the form 1.2.3; Kong 3 "
              "refuses to load it",
              "handler.lua:2: warning: PRIORITY 1.5 is not an integer; Kong 3 refuses to load it"});
  CHECK(lint(with_handler("return { PRIORITY = -5, VERSION = \"1.0.0\" }")).empty());
  CHECK(lint(with_handler("return { " + fields +
                          " }\n\nlocal B = require \"kong.plugins.base_plugin\"\n")) ==
        Texts{"handler.lua:3: warning: requires 'kong.plugins.base_plugin', which Kong 3 no longer "
              "has; a plain table does there too"});
}

TEST_CASE("a version that differs from the handler's is warned about") {
  CHECK(lint(good_tree("my-plugin"), "2.0.0") ==
        Texts{"handler.lua:1: warning: VERSION is \"1.0.0\", the release is called 2.0.0; Kong's "
              "Admin API shows the former, so it cannot confirm the latter"});
}

TEST_CASE("response beside header_filter or body_filter is an error") {
  CHECK(lint(with_handler("local H = { " + fields +
                          " }\nfunction H:response() end\nfunction H:body_filter() end\n")) ==
        Texts{"handler.lua:2: error: defines 'response' as well as 'body_filter' (line 3); Kong "
              "refuses to load both"});
}

TEST_CASE("modules that should be in the tree and are not") {
  CHECK(lint(with_handler("local H = { " + fields +
                          " }\nrequire \"kong.plugins.my-plugin.lazy\"\n")) ==
        Texts{"handler.lua:2: error: requires 'kong.plugins.my-plugin.lazy', which is not in the "
              "tree"});
  CHECK(lint(with_handler("local H = { " + fields +
                          " }\nrequire \"kong.plugins.my-plugin.schema\" require \"cjson\"\n"))
            .empty());
  CHECK(lint(with_file("mylib/a.lua", "require 'mylib.b' require 'mylib.a'")) ==
        Texts{"mylib/a.lua:1: warning: requires 'mylib.b', which is not in the tree, although "
              "'mylib/' is"});
}

TEST_CASE("files that would replace Kong's are errors, a bundled plugin's name is a warning") {
  CHECK(lint(with_file("kong/router.lua", "return 1")) ==
        Texts{"kong/router.lua: error: would replace a module of Kong or of another plugin; below "
              "kong/, this plugin has  and nothing else"});
  const auto found = lint_plugin(good_tree("cors"), {.name = *PluginName::parse("cors")});
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::Warning);
  CHECK(found[0].text ==
        "replaces the plugin 'cors' that comes with Kong; give it another name unless that is "
        "meant");
}

TEST_CASE("odd bytes and modes are warned about") {
  CHECK(lint(with_file(home + "x.lua", "local a\nlocal b\r\nlocal c\r\n")) ==
        Texts{"x.lua:2: warning: has Windows line ends; its digest changes when a tool converts "
              "them"});
  CHECK(lint(with_file(home + "x.lua", "\xEF\xBB\xBFreturn 1")) ==
        Texts{"x.lua:1: warning: begins with a byte order mark; save it as plain UTF-8"});
  CHECK(lint(with_file(home + "x.lua", "\x1bLJ\x02")) ==
        Texts{"x.lua: warning: is compiled Lua; it loads in one version of LuaJIT only, and nobody "
              "can review it"});
  CHECK(lint(with_file(home + "x.lua", "return 1", 0755)) ==
        Texts{"x.lua: warning: is executable; a Lua module need not be (chmod -x)"});
  CHECK(lint(with_file(home + "x.sh", "exit", 0755)).empty());
}

TEST_CASE("Lua that does not compile is found with its line, and nothing is run") {
  auto tree = with_handler("local H = {}\nH.x = = 1\nreturn H\n");
  tree.files.push_back({home + "ok.lua", 0644, "#!/bin/lua\nos.exit(3)\n"});
  tree.files.push_back({home + "end.lua", 0644, "# c\n\nreturn = 2\n"});
  tree.files.push_back({home + "empty.lua", 0644, ""});
  tree.files.push_back({home + "bom.lua", 0644, "\xEF\xBB\xBFreturn 1"});
  tree.files.push_back({home + "binary.lua", 0644, "\x1bLJ\x02"});
  tree.files.push_back({home + "text.txt", 0644, "not Lua"});
  const auto found = check_lua_syntax(tree, some_lua());
  CHECK(texts(found) == Texts{"handler.lua:2: error: is not Lua: unexpected symbol near '='",
                              "end.lua:3: error: is not Lua: unexpected symbol near '='"});
}

TEST_CASE("no Lua is looked for in relative entries of PATH") {
  CHECK(find_lua("/nonexistent") == find_lua(""));
  CHECK(find_lua(".:bin:::/nonexistent") == find_lua(""));
}

}  // namespace kongfleet::controller
