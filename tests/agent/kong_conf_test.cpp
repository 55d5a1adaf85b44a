// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_conf.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace kongfleet::agent {
namespace {

using Value = std::optional<std::string>;
using Items = std::vector<std::string>;
constexpr auto absent = std::nullopt;
constexpr auto both = {ConfDialect::Before32, ConfDialect::From32};

KongConf read(std::string_view text, ConfDialect dialect = ConfDialect::From32) {
  return std::get<KongConf>(KongConf::parse(text, dialect));
}

Value value_in(std::string_view text, std::string_view key, ConfDialect dialect) {
  return read(text, dialect).value(key);
}

/// A file, and what Kong reads for `k` in it before and from 3.2.
struct Row {
  std::string text;
  Value before32;
  Value from32;
};

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(value_in(row.text, "k", ConfDialect::Before32) == row.before32);
    CHECK(value_in(row.text, "k", ConfDialect::From32) == row.from32);
  }
}

}  // namespace

TEST_CASE("kong.conf values are split at the first '=' and trimmed, as Kong does") {
  check({{"k=v", "v", "v"},
         {"  \tk\t=\tv   \t", "v", "v"},
         {"k = a=b = c", "a=b = c", "a=b = c"},
         {"k = v\r\n", "v", "v"},
         {"k = \v\fv\f\v", "v", "v"},
         {"k = v", "v", "v"},
         {"k =", "", ""},
         {"k =   \r\n", "", ""},
         {"k = \"a,b\"", "\"a,b\"", "\"a,b\""},
         {"k = 'a'", "'a'", "'a'"},
         {"k = bundled my-plugin", "bundled my-plugin", "bundled my-plugin"},
         {"k = ${HOME}", "${HOME}", "${HOME}"},
         {"k = nil", "nil", "nil"},
         {"k = {vault://env/home}", "{vault://env/home}", "{vault://env/home}"},
         {"k = gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
         {"", absent, absent},
         {"\n\n", absent, absent}});
}

TEST_CASE("kong.conf comments end a value by the rule of the dialect") {
  check({{"k = /a/?.lua;;   # c", "/a/?.lua;;", "/a/?.lua;;"},
         {"k = /a/?.lua;;#c", "/a/?.lua;", "/a/?.lua;;"},
         {"k = bundled,foo#c", "bundled,fo", "bundled,foo"},
         {"k = /a\\#b/?.lua;;", "/a#b/?.lua;;", "/a#b/?.lua;;"},
         {"k = /opt/a#b/?.lua", "/opt/", "/opt/a"},
         {"k = /a#b/?.lua;;", "/", "/a"},
         {"k = # nothing", "# nothing", ""},
         {"k =#x", "#x", ""},
         {"k = ## x", "", ""},
         {"k = # a # b", "# a", ""},
         {"k = \\# a # b", "# a", "# a"},
         {"k = a\\\\#b", "a\\#b", "a\\#b"},
         {"k = a \\ # b", "a \\", "a \\"},
         {"k = a#", "", "a"},
         {"k = a #b #c", "a", "a"}});
}

TEST_CASE(
    "kong.conf lines that begin with '#' or ';' are comments, and lines without '=' are ignored") {
  check({{"# k = v", absent, absent},
         {"  ; k = v", absent, absent},
         {";k = v", absent, absent},
         {"k v", absent, absent},
         {"k: v", absent, absent},
         {"\rk = v", "v", "v"},
         {"a = 1\rk = v", absent, absent}});
}

TEST_CASE("kong.conf keys are case-sensitive, and what is no letter or digit is '_' in them") {
  for (const std::string key : {"lua-package-path", "lua.package.path", "lua~package/path"}) {
    for (const auto dialect : both) {
      CHECK(value_in(key + " = x", "lua_package_path", dialect) == "x");
    }
  }
  const auto conf = read("LUA_PACKAGE_PATH = x\nPlugins = y\nexport plugins = z\n= none\n");
  CHECK(conf.value("lua_package_path") == absent);
  CHECK(conf.value("plugins") == absent);
  CHECK(conf.value("export_plugins") == "z");
  CHECK(conf.value("") == "none");
}

TEST_CASE("a byte order mark becomes part of the first key of kong.conf") {
  const auto conf = read("\xEF\xBB\xBFk = v\nl = w\n");
  CHECK(conf.value("k") == absent);
  CHECK(conf.value("___k") == "v");
  CHECK(conf.value("l") == "w");
}

TEST_CASE("the last of several equal keys of kong.conf wins, even when it is empty") {
  check({{"k = a\nk = b", "b", "b"}, {"k = a\nk =\n", "", ""}});
  const auto conf = read("a-b = 1x\na_b = 2x\n");
  CHECK(conf.find("a_b")->line == 2);
  CHECK(conf.settings().size() == 2);
  CHECK(conf.find("c") == nullptr);
}

TEST_CASE("a trailing backslash of kong.conf joins the next line that is no comment") {
  check({{"k = /a/?.lua;\\\n/b/?.lua;;", "/a/?.lua;/b/?.lua;;", "/a/?.lua;/b/?.lua;;"},
         {"k = a, \\  \r\n   b", "a,    b", "a,    b"},
         {"k = a\\\n# comment \\\n\n  \nb", "ab", "ab"},
         {"k = a;\\\n;b\nl = c", "a;l = c", "a;l = c"},
         {"x = a # c \\\nk = v", absent, absent},
         {"# c \\\nk = v", "v", "v"},
         {"k = v\nx = y\\", "v", "v"},
         {"k = v\\", absent, absent},
         {"k = v\\\n", absent, absent},
         {"k = v\\\n# nothing\n\n", absent, absent},
         {"k = a\\\nb\\\nc", "abc", "abc"},
         {"\\\nk = v", "v", "v"},
         {"k = a\\\\\nb", "a\\b", "a\\b"}});
}

TEST_CASE(
    "the reader of kong.conf tells which lines are joined away and where the file is unfinished") {
  const auto joined = read("x = a # c \\\nplugins = v\\\nno setting\n");
  REQUIRE(joined.swallowed().size() == 1);
  CHECK(joined.swallowed()[0].key == "plugins");
  CHECK(joined.swallowed()[0].line == 2);
  CHECK(joined.swallowed()[0].into == 1);
  CHECK_FALSE(joined.unfinished());
  CHECK(joined.settings().at(0).line == 1);
  CHECK(joined.settings().at(0).last_line == 3);

  const auto lost = read("a = 1\nplugins = x\\\n# end\n");
  CHECK(lost.unfinished() == 2U);
  REQUIRE(lost.swallowed().size() == 1);
  CHECK(lost.swallowed()[0].line == 2);
  CHECK(read("no setting\\").swallowed().empty());
  CHECK(read("no setting\\").unfinished() == 1U);
  CHECK_FALSE(read("a = 1\n\\\n").unfinished());  // nothing is held back, so nothing can be joined
}

TEST_CASE("what looks like a number in kong.conf is one, unless something stands behind it") {
  check({{"k = 0x10", "16", "16"},
         {"k = 007", "7", "7"},
         {"k = 007 # c", "007", "007"},
         {"k = 12 kB", "12", "12"},
         {"k = 12 kB ", "12 kB", "12 kB"},
         {"k = 12x kB", "12x", "12x"},
         {"k = 1 kB # kB", "1", "1"},
         {"k = 1x kB, 2 kB", "1x, 2", "1x, 2"},
         {"k = -0x1p4", "-16", "-16"},
         {"k = +nan", "nan", "nan"},
         {"k = inf", "inf", "inf"},
         {"k = 10.0.0.1", "10.0.0.1", "10.0.0.1"},
         {"k = 1,2", "1,2", "1,2"}});
  CHECK(read("k = 7").find("k")->kind == ConfKind::Number);
  CHECK(read("k = 7 # c").find("k")->kind == ConfKind::Text);
}

TEST_CASE("a value of kong.conf with _blank_ in it is a table to Kong, and says nothing") {
  const auto conf = read("k = a_blank_b\n");
  CHECK(conf.find("k")->kind == ConfKind::Table);
  CHECK(conf.value("k") == "");
}

TEST_CASE("a [section] of kong.conf hides everything below it") {
  const auto conf = read("k = v\n[a-b]\nk = w\n[k2]\nx = y\n");
  CHECK(conf.section() == 2U);
  CHECK(conf.value("k") == "v");
  CHECK(conf.value("x") == absent);
  CHECK(conf.find("a_b")->kind == ConfKind::Table);
  CHECK(conf.find("k2")->kind == ConfKind::Table);

  CHECK_FALSE(read("  [indented]\nk = v\n").section());
  CHECK(read("x = a\\\n[no section]\n").section() == absent);
  CHECK(read("[][x]\n").find("x") != nullptr);
  CHECK(read("[[x]\n").find("_x") != nullptr);
  CHECK(read("\\\n[x]").section() == 2U);
}

TEST_CASE("kong.conf on which Kong's own loader stops is a problem with its line") {
  for (const std::string text :
       {"k = v\n[open\n", "k = v\n[]\n", "k = v\n[] x\n", "k = v\n[][\n"}) {
    CAPTURE(text);
    const auto parsed = KongConf::parse(text, ConfDialect::From32);
    REQUIRE(std::holds_alternative<ConfProblem>(parsed));
    CHECK(std::get<ConfProblem>(parsed).line == 2);
  }
}

TEST_CASE("kong.conf is read up to its limit and refused above") {
  const std::string limit(KongConf::bytes_max, '#');
  CHECK(std::holds_alternative<KongConf>(KongConf::parse(limit, ConfDialect::From32)));
  CHECK(std::holds_alternative<ConfProblem>(KongConf::parse(limit + "#", ConfDialect::From32)));
}

TEST_CASE("the reader of kong.conf says where in the file a value stands") {
  const std::string text = "# c\n  k\t=  a, b  # c\r\nl =\r\nm = # c\nn=x#c";
  const auto from32 = read(text);
  const auto written = [&text](const ConfSetting& setting) {
    return text.substr(setting.written, setting.written_end - setting.written);
  };
  CHECK(written(*from32.find("k")) == "a, b");
  CHECK(text.substr(from32.find("k")->written_end, 6) == "  # c\r");
  CHECK(text[from32.find("k")->line_end] == '\n');
  CHECK(written(*from32.find("l")) == "");
  CHECK(text.substr(from32.find("l")->written - 1, 2) == "=\r");
  CHECK(text.substr(from32.find("m")->written, 3) == "# c");
  CHECK(written(*from32.find("n")) == "x");
  CHECK(from32.find("n")->line_end == text.size());
  const auto before32 = read(text, ConfDialect::Before32);
  CHECK(written(*before32.find("m")) == "# c");
  CHECK(written(*before32.find("n")) == "");
  CHECK(text.substr(before32.find("n")->written, 3) == "x#c");
  const std::string empty = "a = \nb =\t\nc=";
  CHECK(read(empty).find("a")->written == 4);
  CHECK(read(empty).find("b")->written == 9);
  CHECK(read(empty).find("c")->written == empty.size());
}

TEST_CASE("list values of kong.conf keep empty items, as Kong does") {
  CHECK(split_list("bundled ,  my-plugin ,other") == Items{"bundled", "my-plugin", "other"});
  CHECK(split_list("a,,b") == Items{"a", "", "b"});
  CHECK(split_list(",a") == Items{"", "a"});
  CHECK(split_list("a,b,") == Items{"a", "b", ""});
  CHECK(split_list("").empty());
  CHECK(split_list("  ").empty());
  CHECK(split_list(" , ") == Items{""});
  CHECK(split_list(",,") == Items{"", "", ""});
}

TEST_CASE("Kong's version decides how comments in kong.conf are read") {
  for (const auto* version : {"2.8.5", "3.0.0", "3.1.1", "2.8.4.13-enterprise-edition", "1.5"}) {
    CHECK(dialect_of(version) == ConfDialect::Before32);
  }
  for (const auto* version : {"3.2.0", "3.4.2", "3.9.1.1-enterprise-edition", "3.10.0", "4.0",
                              "Kong Enterprise 3.4.3", "", "unknown", "3", "3.x", "4-1"}) {
    CHECK(dialect_of(version) == ConfDialect::From32);
  }
}

}  // namespace kongfleet::agent
