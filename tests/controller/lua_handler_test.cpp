// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/lua_handler.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {

namespace {

std::string version(std::string_view source) { return handler_version(source).value_or("none"); }

std::string all(std::string_view source) {
  std::string out;
  for (const auto& token : lua_tokens(source)) {
    out += (out.empty() ? "" : " ") + std::to_string(token.line) + ":" + token.text;
  }
  return out;
}

}  // namespace

TEST_CASE("tokens carry their lines; comments are none") {
  CHECK(all("#!/usr/bin/lua\na = 1 -- b\n--[[ c\n d ]] e --[==[ ]] ]==] f") ==
        "2:a 2:= 2:1 4:e 4:f");
  CHECK(all("x = [[\nlong\n]] y") == "1:x 1:= 1:\nlong\n 3:y");
  CHECK(all("a ~= 'it\\'s' .. \"-- no\" == 0x1F") == "1:a 1:~= 1:it's 1:.. 1:-- no 1:== 1:0x1F");
  CHECK(all("\xEF\xBB\xBF# first\nlocal x") == "2:local 2:x");
  CHECK(all("a[b[1]] = 1e-3") == "1:a 1:[ 1:b 1:[ 1:1 1:] 1:] 1:= 1:1e-3");
}

TEST_CASE("what has no end ends the source") {
  for (const auto* source : {"'", "\"abc\\", "[[", "--[[", "[==[ ]] ]=]", "\\", "'a\\"}) {
    CHECK(lua_tokens(source).size() <= 1);
  }
}

TEST_CASE("VERSION is found wherever handlers write it") {
  CHECK(version("return { PRIORITY = 1, VERSION = \"1.0.0\" }") == "1.0.0");
  CHECK(version("local H = {}\nH.VERSION = '2.1.0'\nreturn H") == "2.1.0");
  CHECK(version("local H = {}\nH[\"VERSION\"] = '2.1.0'\nreturn H") == "2.1.0");
  CHECK(version("return { [\"VERSION\"] = [[3.0.0]] }") == "3.0.0");
  CHECK(version("local v = \"4.0\"\nreturn { VERSION = v, }") == "4.0");
  CHECK(version("local VERSION = \"5.0\"\nlocal H = { f(a, b); VERSION = VERSION }") == "5.0");
  CHECK(version("H.VERSION = \"1\" H.VERSION = \"1\"") == "1");
}

TEST_CASE("what only looks like a VERSION is not taken for one") {
  CHECK(version("") == "none");
  CHECK(version("-- VERSION = \"1\"\n--[[ H.VERSION = \"2\" ]] return {}") == "none");
  CHECK(version("local text = 'H.VERSION = \"1\"'") == "none");
  CHECK(version("local VERSION = \"1\"") == "none");
  CHECK(version("local a, VERSION = 1, \"1\"") == "none");
  CHECK(version("if H.VERSION == \"1\" then end") == "none");
  CHECK(version("H.MY_VERSION = \"1\"") == "none");
}

TEST_CASE("a computed VERSION, and several that differ, are no answer") {
  CHECK(version("H.VERSION = \"1.\" .. minor") == "none");
  CHECK(version("H.VERSION = meta.version") == "none");
  CHECK(version("H.VERSION = get(\"1\")") == "none");
  CHECK(version("local v = os.getenv(\"V\") H.VERSION = v") == "none");
  CHECK(version("H.VERSION = \"1\" H.VERSION = \"2\"") == "none");
}

TEST_CASE("fields are told from variables, methods count") {
  const auto count = [](std::string_view source) {
    return lua_fields(lua_tokens(source), "response").size();
  };
  CHECK(count("function H:response(conf) end") == 1);
  CHECK(count("function H.response() end") == 1);
  CHECK(count("H.response = function() end") == 1);
  CHECK(count("return { response = f }") == 1);
  CHECK(count("kong.response.exit(200) local response = 1 H:response()") == 0);
  CHECK(count("function response() end") == 0);
}

TEST_CASE("fields know how deep they are") {
  const auto found = lua_fields(
      lua_tokens("s.name = 1 return { name = 2, fields = { { name = { name = 3 } } } }"), "name");
  std::vector<std::size_t> depths;
  for (const auto& field : found) depths.push_back(field.depth);
  CHECK(depths == std::vector<std::size_t>{0, 1, 3, 4});
}

TEST_CASE("what a file is told of itself is told from what its functions are given") {
  const auto line = [](std::string_view source) {
    return lua_file_arguments(lua_tokens(source)).value_or(0);
  };
  CHECK(line("\nlocal name = ...") == 2);
  CHECK(line("local name = ({...})[1]") == 1);
  CHECK(line("function f(...)\nreturn ... end\nif x then y(...) end") == 3);
  CHECK(line("for i = 1, 2 do if i then repeat until i end end\nreturn ...") == 2);
  CHECK(line("while x do local f = function() end end\nreturn ...") == 2);
  CHECK(line("local function f(...) for i = 1, 2 do end if a then elseif b then else end "
             "while a do end repeat until a return ... end -- ...") == 0);
  CHECK(line("return '...' .. [[...]]") == 0);
}

TEST_CASE("plain requires are found, guarded and computed ones are not") {
  const auto found =
      lua_requires(lua_tokens("local a = require \"x.y\"\nlocal b = require('z')\n"
                              "pcall(require, \"p\")\nrequire(\"q\" .. r)\n"
                              "m.require \"s\" -- require \"t\""));
  REQUIRE(found.size() == 2);
  CHECK(found[0].module == "x.y");
  CHECK(found[0].line == 1);
  CHECK(found[1].module == "z");
  CHECK(found[1].line == 2);
}

}  // namespace kongfleet::controller
