// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/environment_edit.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace kongfleet::agent::test {
namespace {

constexpr auto unit = ConfigurationKind::UnitFile;
constexpr auto environment_file = ConfigurationKind::EnvironmentFile;
const std::string root = "/var/lib/kongfleet/generations";
const std::string ours = root + "/000001-abc/?.lua;" + root + "/000001-abc/?/init.lua;";

Change change_to(const std::string& generation) {
  Change change{.generations_root = root};
  if (!generation.empty()) {
    change.generation_dir = root + "/" + generation;
    change.add_plugins = {"my-plugin"};
  } else {
    change.remove_plugins = {"my-plugin"};
  }
  return change;
}

ManagedFile file_of(ConfigurationKind kind) {
  ManagedFile file;
  file.path = "/x";
  file.kind = kind;
  return file;
}

Edited edited(const std::string& text, const ManagedFile& file,
              const std::string& generation = "000001-abc") {
  auto result = edit_environment(text, file, change_to(generation));
  if (const auto* problem = std::get_if<ConfProblem>(&result)) {
    FAIL(problem->line << ": " << problem->reason);
  }
  return std::get<Edited>(std::move(result));
}

std::string refusal(const std::string& text, ConfigurationKind kind) {
  const auto result = edit_environment(text, file_of(kind), change_to("000001-abc"));
  const auto* problem = std::get_if<ConfProblem>(&result);
  return problem == nullptr ? "" : std::to_string(problem->line) + ": " + problem->reason;
}

}  // namespace

TEST_CASE("in a drop-in only our part of the two values changes, and comes off again") {
  const std::string before =
      "# by hand\r\n[Service]\n\nEnvironment=KONG_LOG_LEVEL=notice \"KONG_PLUGINS=bundled, own\" "
      "X='a b'\nEnvironment=KONG_LUA_PACKAGE_PATH=/opt/?.lua;;\n[Install]\nWantedBy=x\n";
  const auto there = edited(before, file_of(unit));
  CHECK(there.text ==
        "# by hand\r\n[Service]\n\nEnvironment=KONG_LOG_LEVEL=notice \"KONG_PLUGINS=bundled, "
        "own,my-plugin\" X='a b'\nEnvironment=KONG_LUA_PACKAGE_PATH=" +
            ours + "/opt/?.lua;;\n[Install]\nWantedBy=x\n");
  CHECK(there.lua_package_path == ours + "/opt/?.lua;;");
  CHECK(there.plugins == "bundled, own,my-plugin");
  REQUIRE(there.lines.size() == 2);
  CHECK(there.lines[0].line == 4);
  CHECK(there.lines[1].line == 5);
  CHECK(there.lines[1].before == "Environment=KONG_LUA_PACKAGE_PATH=/opt/?.lua;;");
  CHECK(edited(there.text, file_of(unit)).text == there.text);
  CHECK(edited(there.text, file_of(unit)).lines.empty());
  CHECK(edited(there.text, file_of(unit), "").text == before);
}

TEST_CASE("in an environment file only our part of the two values changes, and comes off again") {
  const std::string before =
      "; by hand\nKONG_PG_PASSWORD='x y\nz'\r\nKONG_PLUGINS=bundled\r\n"
      "KONG_LUA_PACKAGE_PATH = \"/opt/?.lua\"  \nLAST=1";
  const auto there = edited(before, file_of(environment_file));
  CHECK(there.text ==
        "; by hand\nKONG_PG_PASSWORD='x y\nz'\r\nKONG_PLUGINS=bundled,my-plugin\r\n"
        "KONG_LUA_PACKAGE_PATH = \"" +
            ours + "/opt/?.lua\"  \nLAST=1");
  REQUIRE(there.lines.size() == 2);
  CHECK(there.lines[0].line == 4);
  CHECK(there.lines[0].before == "KONG_PLUGINS=bundled");
  CHECK(there.lines[0].after == "KONG_PLUGINS=bundled,my-plugin");
  CHECK(edited(there.text, file_of(environment_file)).text == there.text);
  CHECK(edited(there.text, file_of(environment_file), "").text == before);
}

TEST_CASE("both variables on one line of a unit are one change") {
  const auto there = edited(
      "[Service]\nEnvironment=KONG_PLUGINS=a KONG_LUA_PACKAGE_PATH=./?.lua;\n", file_of(unit));
  REQUIRE(there.lines.size() == 1);
  CHECK(there.lines[0].before == "Environment=KONG_PLUGINS=a KONG_LUA_PACKAGE_PATH=./?.lua;");
  CHECK(there.lines[0].after ==
        "Environment=KONG_PLUGINS=a,my-plugin KONG_LUA_PACKAGE_PATH=" + ours + "./?.lua;");
}

TEST_CASE("of a line's other variables, which may be passwords, the plan shows the names") {
  const std::string before =
      "[Service]\nEnvironment=KONG_PG_PASSWORD=hunter2 \"KONG_A=b c\" KONG_PLUGINS=a words hunter3 "
      "KONG_LUA_PACKAGE_PATH=./?.lua;\n";
  const auto there = edited(before, file_of(unit));
  REQUIRE(there.lines.size() == 1);
  CHECK(
      there.lines[0].before ==
      "Environment=KONG_PG_PASSWORD=… KONG_A=… KONG_PLUGINS=a … … KONG_LUA_PACKAGE_PATH=./?.lua;");
  CHECK(there.lines[0].after ==
        "Environment=KONG_PG_PASSWORD=… KONG_A=… KONG_PLUGINS=a,my-plugin … … "
        "KONG_LUA_PACKAGE_PATH=" +
            ours + "./?.lua;");
  CHECK(there.text.find("KONG_PG_PASSWORD=hunter2 \"KONG_A=b c\"") != std::string::npos);
}

TEST_CASE("a variable that the file lacks gets a line below the other's, with Kong's value in it") {
  auto file = file_of(unit);
  file.elsewhere.lua_package_path = "/from/kong.conf/?.lua;;";
  const auto there =
      edited("[Service]\r\nEnvironment=\"KONG_PLUGINS=bundled\"\r\nUser=k\r\n", file);
  CHECK(there.text ==
        "[Service]\r\nEnvironment=\"KONG_PLUGINS=bundled,my-plugin\"\r\n"
        "Environment=\"KONG_LUA_PACKAGE_PATH=" +
            ours + "/from/kong.conf/?.lua;;\"\r\nUser=k\r\n");
  REQUIRE(there.lines.size() == 2);
  CHECK(there.lines[1].line == 3);
  CHECK_FALSE(there.lines[1].before);

  const auto other = edited("KONG_LUA_PACKAGE_PATH=/opt/?.lua", file_of(environment_file));
  CHECK(other.text ==
        "KONG_LUA_PACKAGE_PATH=" + ours + "/opt/?.lua\nKONG_PLUGINS=bundled,my-plugin\n");
  CHECK(other.plugins == "bundled,my-plugin");
}

TEST_CASE("the empty value of a variable is a value: no plugins, and no path") {
  const auto there = edited("KONG_PLUGINS=\nKONG_LUA_PACKAGE_PATH=''\n", file_of(environment_file));
  CHECK(there.text ==
        "KONG_PLUGINS=my-plugin\nKONG_LUA_PACKAGE_PATH='" + ours.substr(0, ours.size()) + "'\n");
  const auto in_unit =
      edited("[Service]\nEnvironment=KONG_PLUGINS= KONG_LUA_PACKAGE_PATH=x\n", file_of(unit));
  CHECK(in_unit.plugins == "my-plugin");
}

TEST_CASE("a file that sets neither, or one of them twice, is refused") {
  CHECK(refusal("[Service]\nUser=kong\n", unit) ==
        "0: neither KONG_LUA_PACKAGE_PATH nor KONG_PLUGINS is set in this file");
  CHECK(refusal("KONG_PLUGINS=a\nX=1\nKONG_PLUGINS=b\n", environment_file) ==
        "3: KONG_PLUGINS is set twice in this file, in line 1 too; remove the first one");
  CHECK(refusal("[Service]\nEnvironment=KONG_PLUGINS=a\nEnvironment=KONG_PLUGINS=b\n", unit)
            .starts_with("3: KONG_PLUGINS is set twice"));
  CHECK(refusal("[Service]\nEnvironment=KONG_PLUGINS=a\nEnvironment=\nEnvironment=KONG_PLUGINS=b\n",
                unit)
            .empty());
  CHECK(refusal("[Service]\nEnvironment=KONG_PLUGINS=a\nUnsetEnvironment=X KONG_PLUGINS\n", unit) ==
        "3: UnsetEnvironment= takes KONG_PLUGINS away from Kong; remove it there");
}

TEST_CASE("a value that can't be edited safely is refused, with what would be right") {
  const auto both = [](const std::string& value) {
    return refusal("KONG_PLUGINS=" + value + "\n", environment_file) + "|" +
           refusal("[Service]\nEnvironment=KONG_PLUGINS=" + value + "\n", unit);
  };
  CHECK(both("a\\\n b").find("1: KONG_PLUGINS: escapes, joined lines or several quoted pieces make "
                             "up the value; write it as KONG_PLUGINS=VALUE|2: KONG_PLUGINS: "
                             "escapes, joined lines or several quoted pieces make up the value; "
                             "write it as Environment=\"KONG_PLUGINS=VALUE\"") == 0);
  CHECK(both("\"a\",b").find("several quoted pieces") != std::string::npos);
  CHECK(both("a#b").find("'#' begins no comment here") != std::string::npos);
  CHECK(both("'{vault://env/x}'").find("a vault reference") != std::string::npos);
  CHECK(both("a,,b").find("an item of plugins is empty") != std::string::npos);
  CHECK(refusal("[Service]\nEnvironment=KONG_PLUGINS=%i\n", unit) ==
        "2: KONG_PLUGINS: a specifier ('%') stands in the value; write what it stands for");
  CHECK(refusal("KONG_PLUGINS=a%b\n", environment_file).empty());
  CHECK(refusal("KONG_PLUGINS=a\"b\n", environment_file).find("Kong keeps quotes") !=
        std::string::npos);
  CHECK(refusal("# x \\\nKONG_PLUGINS=a\n", environment_file).find("before 254") !=
        std::string::npos);
}

TEST_CASE("a file whose bytes systemd reads in more than one way is refused") {
  CHECK(
      refusal("\xEF\xBB\xBFKONG_PLUGINS=a\n", environment_file).starts_with("1: the file begins"));
  CHECK(refusal("X=1\rKONG_PLUGINS=a\n", environment_file).starts_with("1: a CR without LF"));
  CHECK(refusal(std::string("KONG_PLUGINS=a\n\0", 16), environment_file).starts_with("2: a NUL"));
}

TEST_CASE("a change that is wrong in itself is refused") {
  Change change{.generations_root = root, .generation_dir = "/elsewhere"};
  const auto result = edit_environment("KONG_PLUGINS=a\n", file_of(environment_file), change);
  CHECK(std::holds_alternative<ConfProblem>(result));
}

TEST_CASE("a plugin list that begins with off is refused or gives way, as in kong.conf") {
  CHECK(edited("KONG_PLUGINS=off\n", file_of(environment_file)).plugins == "my-plugin");
  CHECK(refusal("KONG_PLUGINS=off,a\n", environment_file).starts_with("1: plugins would begin"));
}

TEST_CASE("what stands elsewhere and can't be edited safely is refused too") {
  auto file = file_of(environment_file);
  file.elsewhere.lua_package_path = "/a#b/?.lua";
  const auto result = edit_environment("KONG_PLUGINS=a\n", file, change_to("000001-abc"));
  REQUIRE(std::holds_alternative<ConfProblem>(result));
  CHECK(std::get<ConfProblem>(result).line == 0);
}

TEST_CASE("a value with a blank is quoted in an environment file, every value in a unit") {
  CHECK(assignment_line(environment_file, "A", "b c") == "A=\"b c\"");
  CHECK(assignment_line(environment_file, "A", "bc") == "A=bc");
  CHECK(assignment_line(unit, "A", "bc") == "Environment=\"A=bc\"");
}

TEST_CASE("the check of an edited environment finds what an edit must never do") {
  const std::string before = "X=1\nKONG_PLUGINS=a\nKONG_LUA_PACKAGE_PATH=p\n";
  Edited meant{.text = "X=1\nKONG_PLUGINS=a,foo\nKONG_LUA_PACKAGE_PATH=o;p\n",
               .lua_package_path = "o;p",
               .plugins = "a,foo"};
  const auto finds = [&](const std::string& text) {
    auto edit = meant;
    edit.text = text;
    const auto result = checked(before, edit, environment_file);
    const auto* problem = std::get_if<ConfProblem>(&result);
    return problem != nullptr && problem->reason.starts_with("internal: ");
  };
  CHECK_FALSE(finds(meant.text));
  CHECK(finds("X=2" + meant.text.substr(3)));
  CHECK(finds(meant.text + "Y=1\n"));
  CHECK(finds(meant.text + "KONG_PLUGINS=a,foo\n"));
  CHECK(finds("X=1\nKONG_PLUGINS=a\nKONG_LUA_PACKAGE_PATH=o;p\n"));
  CHECK(finds("X=1\nKONG_PLUGINS=a,foo\nKONG_LUA_PACKAGE_PATH=p\n"));
  CHECK(finds(""));
}

}  // namespace kongfleet::agent::test
