// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_conf_edit.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace kongfleet::agent {
namespace {

const std::string root = "/var/lib/kongfleet/generations";
const std::string seven = root + "/000007-3fa9c1d2e4b0";
const std::string eight = root + "/000008-a0b1c2d3e4f5";
constexpr auto both = {ConfDialect::Before32, ConfDialect::From32};

std::string ours(const std::string& directory) {
  return directory + "/?.lua;" + directory + "/?/init.lua;";
}

/// Deploys generation 7 with the plugin `foo`, unless the test says otherwise.
struct Ask : Change {
  Ask() : Change{root, seven, {}, {"foo"}} {}
  Ask& to(std::string directory) {
    generation_dir = std::move(directory);
    return *this;
  }
  Ask& add(std::vector<std::string> names) {
    add_plugins = std::move(names);
    return *this;
  }
  Ask& remove(std::vector<std::string> names) {
    remove_plugins = std::move(names);
    return *this;
  }
};

Ask baseline() { return Ask().to("").add({}).remove({"foo"}); }

/// The edit as it must succeed; the same one again must change nothing.
Edited edited(const std::string& text, const Change& change = Ask(),
              ConfDialect dialect = ConfDialect::From32) {
  CAPTURE(text);
  auto result = edit(text, dialect, change);
  if (const auto* problem = std::get_if<ConfProblem>(&result)) FAIL(problem->reason);
  auto first = std::get<Edited>(result);
  const auto again = edit(first.text, dialect, change);
  REQUIRE(std::holds_alternative<Edited>(again));
  CHECK(std::get<Edited>(again).text == first.text);
  CHECK(std::get<Edited>(again).lines.empty());
  return first;
}

std::string text_of(const std::string& text, const Change& change = Ask()) {
  const auto result = edited(text, change);
  for (const auto dialect : both) {  // what a good file reads as does not depend on Kong's version
    CHECK(edited(text, change, dialect).text == result.text);
  }
  return result.text;
}

}  // namespace

TEST_CASE("both keys are appended, with Kong's defaults merged, where kong.conf lacks them") {
  const std::string added =
      "lua_package_path = " + ours(seven) + "./?.lua;./?/init.lua;\nplugins = bundled,foo\n";
  CHECK(text_of("") == added);
  CHECK(text_of("prefix = /srv/kong\n") == "prefix = /srv/kong\n" + added);
  CHECK(text_of("# plugins = x") == "# plugins = x\n" + added);
  CHECK(text_of("\n") == "\n" + added);

  const auto crlf = edited("a = b\r\nc = 12 kB");  // with a '\r' it would be a number no more
  CHECK(crlf.text == "a = b\r\nc = 12 kB\nlua_package_path = " + ours(seven) +
                         "./?.lua;./?/init.lua;\r\nplugins = bundled,foo\r\n");
  REQUIRE(crlf.lines.size() == 2);
  CHECK(crlf.lines[0].line == 3);
  CHECK_FALSE(crlf.lines[0].before);
  CHECK(crlf.lines[1].line == 4);
  CHECK(crlf.lines[1].after == "plugins = bundled,foo");
}

TEST_CASE("the baseline leaves both keys explicit with what the user had") {
  const std::string defaults = "lua_package_path = ./?.lua;./?/init.lua;\nplugins = bundled\n";
  CHECK(text_of("", baseline()) == defaults);
  CHECK(text_of(text_of(""), baseline()) == defaults);
  const std::string mine = "plugins = bundled , mine # c\r\n\tlua_package_path=/a/?.lua;;\r\n";
  CHECK(text_of(text_of(mine), baseline()) == mine);
}

TEST_CASE("an edit of kong.conf touches nothing but our part of our two values") {
  const std::string text =
      "# top\r\n  lua_package_path\t=  /a/?.lua;;   # keep \\# me\r\n\r\npg_password = x#y \n"
      "plugins =  bundled ,  my-plugin ,other\t# list\n;end";
  const auto result = edited(text);
  CHECK(result.text == "# top\r\n  lua_package_path\t=  " + ours(seven) +
                           "/a/?.lua;;   # keep \\# me\r\n\r\npg_password = x#y \n"
                           "plugins =  bundled ,  my-plugin ,other,foo\t# list\n;end");
  CHECK(result.lua_package_path == ours(seven) + "/a/?.lua;;");
  CHECK(result.plugins == "bundled ,  my-plugin ,other,foo");
  REQUIRE(result.lines.size() == 2);
  CHECK(result.lines[0].line == 2);
  CHECK(result.lines[0].before == "  lua_package_path\t=  /a/?.lua;;   # keep \\# me");
  CHECK(result.lines[1].line == 5);
  CHECK(result.lines[1].after == "plugins =  bundled ,  my-plugin ,other,foo\t# list");
  CHECK(text_of(result.text, baseline()) == text);
}

TEST_CASE("the order of the two keys in kong.conf does not matter") {
  CHECK(text_of("plugins = a\nlua_package_path = /a/?.lua\n") ==
        "plugins = a,foo\nlua_package_path = " + ours(seven) + "/a/?.lua\n");
  CHECK(text_of("plugins = a\n") ==
        "plugins = a,foo\nlua_package_path = " + ours(seven) + "./?.lua;./?/init.lua;\n");
  CHECK(text_of("lua_package_path = /a/?.lua") ==
        "lua_package_path = " + ours(seven) + "/a/?.lua\nplugins = bundled,foo\n");
}

TEST_CASE("a new generation takes the place of the old one, wherever that stands in the path") {
  const auto path = [](const std::string& value) {
    return edited("plugins = foo\nlua_package_path = " + value, Ask().to(eight)).lua_package_path;
  };
  CHECK(path(ours(seven) + "/a/?.lua") == ours(eight) + "/a/?.lua");
  CHECK(path("/a/?.lua;" + ours(seven) + "/b/?.lua") == ours(eight) + "/a/?.lua;/b/?.lua");
  CHECK(path("/a/?.lua;" + seven + "/?.lua") == ours(eight) + "/a/?.lua");
  CHECK(path(seven + "/?.lua") == ours(eight));
  CHECK(path(ours(eight) + ours(seven)) == ours(eight));
  CHECK(path(eight + "/?.lua;" + eight + "/?/init.lua") == ours(eight));
  CHECK(path("") == ours(eight));
  CHECK(path(root + "-old/?.lua") == ours(eight) + root + "-old/?.lua");
  const std::string settled = ours(eight) + "/a/?.lua";
  CHECK(path(settled) == settled);
}

TEST_CASE("a ';;' in the user's path stays one, and none comes into being") {
  const auto path = [](const std::string& value, const Change& change) {
    return edited("plugins = foo\nlua_package_path = " + value, change).lua_package_path;
  };
  const Change deploy = Ask().to(eight);
  const Change leave = Ask().to("");
  CHECK(path(";;", deploy) == ours(eight) + ";;");
  CHECK(path(ours(eight) + ";;", leave) == ";;");
  CHECK(path(";/a/?.lua", deploy) == ours(eight) + "/a/?.lua");
  CHECK(path(ours(eight) + "/a/?.lua", leave) == "/a/?.lua");
  CHECK(path(ours(eight) + ";/a/?.lua", deploy) == ours(eight) + ";/a/?.lua");
  CHECK(path(ours(eight) + ";/a/?.lua", leave) == ";;/a/?.lua");
  CHECK(path("/a/?.lua;" + seven + "/?.lua;;/b/?.lua", leave) == "/a/?.lua;;/b/?.lua");
  CHECK(path("/a/?.lua;;" + seven + "/?.lua", leave) == "/a/?.lua;;");
  CHECK(path("/a/?.lua;" + seven + "/?.lua;;;/b/?.lua", leave) == "/a/?.lua;;;/b/?.lua");
}

TEST_CASE("plugins: what the user lists stays in its order, ours is appended once") {
  const auto plugins = [](const std::string& value, const Change& change) {
    return edited("plugins = " + value + "\nlua_package_path = /a/?.lua", change).plugins;
  };
  CHECK(plugins("bundled", Ask()) == "bundled,foo");
  CHECK(plugins("b, foo ,a", Ask()) == "b, foo ,a");
  CHECK(plugins("b", Ask().add({"x", "y", "x"})) == "b,x,y");
  CHECK(plugins("b, foo ,a", baseline()) == "b,a");
  CHECK(plugins("foo, b", baseline()) == "b");
  CHECK(plugins("b , foo", baseline()) == "b");
  CHECK(plugins("foo,b,foo", baseline()) == "b");
  CHECK(plugins("b,old", Ask().remove({"old"})) == "b,foo");
  CHECK(plugins("b,foo,a", Ask().remove({"foo"})) == "b,foo,a");
  CHECK(plugins("b", baseline()) == "b");
  CHECK(plugins("a,\tgr\xC3\xBC", Ask()) == "a,\tgr\xC3\xBC,foo");
}

TEST_CASE("plugins: a list that becomes empty says off, and off gives way to ours") {
  const auto plugins = [](const std::string& value, const Change& change) {
    return edited("lua_package_path = /a/?.lua\nplugins =" + value, change).plugins;
  };
  CHECK(plugins(" foo", baseline()) == "off");
  CHECK(plugins(" off", Ask()) == "foo");
  CHECK(plugins(" off , off", Ask()) == "foo");
  CHECK(plugins(" off", baseline()) == "off");
  CHECK(plugins(" off,a,foo", baseline()) == "off,a");
  CHECK(plugins(" off,foo", baseline()) == "off");
  CHECK(plugins(" a,off", Ask()) == "a,off,foo");
  CHECK(plugins("", Ask()) == "foo");
  CHECK(plugins("", baseline()) == "");
}

TEST_CASE("the winning occurrence is edited under any spelling, earlier ones stay") {
  CHECK(text_of("plugins = a\nlua-package-path = /a/?.lua\nplugins = b # c\n") ==
        "plugins = a\nlua-package-path = " + ours(seven) + "/a/?.lua\nplugins = b,foo # c\n");
  CHECK(text_of("plugins = a\\\n b\nplugins = c\nlua.package.path = /a/?.lua") ==
        "plugins = a\\\n b\nplugins = c,foo\nlua.package.path = " + ours(seven) + "/a/?.lua");
  CHECK(text_of("Plugins = a\nplugins = b\nlua_package_path =") ==
        "Plugins = a\nplugins = b,foo\nlua_package_path = " + ours(seven));
}

TEST_CASE("a value that was empty, or touches its comment, gets the blank it needs") {
  const auto from32 = [](const std::string& line) {
    return edited(line + "\nlua_package_path = /a/?.lua").text;
  };
  const std::string rest = "\nlua_package_path = " + ours(seven) + "/a/?.lua";
  CHECK(from32("plugins=") == "plugins= foo" + rest);
  CHECK(from32("plugins= \r") == "plugins= foo\r" + rest);
  CHECK(from32("plugins=#c") == "plugins= foo #c" + rest);
  CHECK(from32("plugins = # c") == "plugins = foo # c" + rest);
  CHECK(from32("plugins = a#c") == "plugins = a,foo #c" + rest);
  CHECK(from32("plugins = a\\#b") == "plugins = a\\#b,foo" + rest);
  CHECK(edited("lua_package_path = x\nplugins = ## c", Ask(), ConfDialect::Before32).text ==
        "lua_package_path = " + ours(seven) + "x\nplugins = foo ## c");
}

TEST_CASE("an emptied path before a comment is written as ';;', which is what Kong adds anyway") {
  const std::string deployed = "plugins = a\nlua_package_path = " + ours(seven);
  CHECK(text_of(deployed, baseline()) == "plugins = a\nlua_package_path = ");
  CHECK(text_of(deployed + " # c", baseline()) == "plugins = a\nlua_package_path = ;; # c");
  CHECK(edited(deployed + "#c", baseline()).text == "plugins = a\nlua_package_path = ;; #c");
  CHECK(edited("plugins = a\nlua_package_path = # c", baseline()).lines.empty());
}

TEST_CASE("a path stays below what nginx takes, but going back is never refused for its length") {
  const std::string text = "plugins = a\nlua_package_path = ";
  const auto fits = lua_package_path_bytes_max - ours(seven).size() - 1;
  CHECK(edited(text + std::string(fits, 'x')).lua_package_path.size() ==
        lua_package_path_bytes_max - 1);
  const auto refused = edit(text + std::string(fits + 1, 'x'), ConfDialect::From32, Ask());
  REQUIRE(std::holds_alternative<ConfProblem>(refused));
  CHECK(std::get<ConfProblem>(refused).line == 2);
  const std::string user(lua_package_path_bytes_max, 'x');
  CHECK(edited(text + ours(seven) + user, baseline()).lua_package_path == user);
}

TEST_CASE("the check of an edit finds what an edit must never do") {
  const std::string before = "a = 1x\nplugins = b#c\nlua_package_path = p\n";
  const std::string after = "a = 1x\nplugins = b,foo #c\nlua_package_path = o;p\n";
  const Intended meant{"o;p", "b,foo", true, true};
  const auto finds = [&](const std::string& edited_text, const Intended& intended) {
    const auto problem = check_edit(before, edited_text, ConfDialect::From32, intended);
    return problem ? problem->reason : "";
  };
  CHECK(finds(after, meant) == "");
  CHECK_THAT(finds("a = 2x\n" + after.substr(7), meant), Catch::StartsWith("internal: "));
  CHECK_THAT(finds(after.substr(7), meant), Catch::Contains("'a'"));
  CHECK_THAT(finds(after + "z = 1\n", meant), Catch::Contains("'z'"));
  CHECK_THAT(finds("A = 1\n" + after, meant), Catch::Contains("'A'"));
  CHECK_THAT(finds(before, meant), Catch::Contains("'lua_package_path'"));
  CHECK_THAT(finds("a = 1x\nlua_package_path = o;p\n", meant), Catch::Contains("'plugins'"));
  CHECK_THAT(finds("a = 1x\nplugins = b,foo#c\nlua_package_path = o;p\n", meant),
             Catch::Contains("'plugins'"));
  CHECK(finds(before, {"p", "b", false, false}) == "");
  CHECK_THAT(finds(before, {"p", "b", false, true}), Catch::Contains("'plugins'"));
  CHECK_THAT(finds(after + "[", meant), Catch::Contains("stops Kong's loader"));
}

}  // namespace kongfleet::agent
