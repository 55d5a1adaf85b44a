// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Database migrations of a candidate's plugins, as `kong migrations list` tells of them (its texts
// and exit codes: kong/cmd/migrations.lua, 2.8 to 3.9). There is no database here: a command of the
// test's own answers that one question and hands every other to Kong.
#include "tests/agent/preflight_fixture.hpp"

#include <sys/stat.h>

namespace kongfleet::agent::test {
namespace {

constexpr const char* done = "Executed migrations:\n     core: 000_base\nmy-plugin: 000_base\n";
constexpr const char* fresh =
    "Executed migrations:\ncore: 000_base\n\nNew migrations available:\n"
    "my-plugin: 000_base, 001_more\n    other: 000_base\n\nRun 'kong migrations up' to proceed\n";
constexpr const char* begun =
    "Executed migrations:\ncore: 000_base\n\nPending migrations:\nmy-plugin: 001_more\n\n"
    "Run 'kong migrations finish' when ready\n";
constexpr const char* both =
    "Executed migrations:\ncore: 000_base\n\nPending migrations:\ncore: 001_x\n\n"
    "New migrations available:\nmy-plugin: 000_base\n\n\nRun 'kong migrations finish' when ready\n";

/// A Kong with a database, and a generation whose plugin brings migrations.
struct Migrations {
  Migrations() : kong(shared_kong(TestKong::versions().back()).kong) {
    directory = kong.directory() / "migrations";
    fs::remove_all(directory);
    kong.write(directory / "bin/kong",
               "#!/bin/sh\n[ \"$1\" = migrations ] || exec '" + kong.config().binary +
                   "' \"$@\"\nwhile [ \"$1\" != -c ]; do words=\"$words $1\"; shift; done\n"
                   "echo \"$words|$KONG_PLUGINS|$KONG_LUA_PACKAGE_PATH|$KONG_DATABASE|$(grep -c "
                   "'^database = postgres$' \"$2\")\" >>'" +
                   (directory / "asked").string() + "'\ncat '" + (directory / "says").string() +
                   "'\n[ -e '" + (directory / "hangs").string() + "' ] && exec sleep 60\n" +
                   "cat '" + (directory / "errors").string() + "' >&2\nexit $(cat '" +
                   (directory / "exits").string() + "')\n");
    ::chmod((directory / "bin/kong").c_str(), 0755);
    kong.make("migrating", "3.0.0");
    kong.write(kong.gen("migrating") / plugin / "migrations/init.lua", "return { \"000_base\" }\n");
    config = kong.config();
    config.binary = directory / "bin/kong";
  }
  std::vector<Finding> when(int code, const std::string& output, const std::string& errors = "") {
    kong.write(directory / "says", output);
    kong.write(directory / "errors", errors);
    kong.write(directory / "exits", std::to_string(code));
    return preflight("migrating");
  }
  std::vector<Finding> preflight(const std::string& generation,
                                 std::chrono::seconds limit = std::chrono::seconds(60)) {
    KongNode node(config);
    auto facts = node.inspect();
    if (!role.empty()) facts.role = role;
    facts.admin = "";  // there is no database whose configuration it could tell
    kong.configure(generation, plugins);
    auto text = read_file(config.conf) + more;
    kong.configure("gen1");
    kong.write(config.state / "candidate.conf", text);
    return node
        .preflight(facts, config.state / "candidate.conf", kong.gen(generation),
                   std::chrono::steady_clock::now() + limit)
        .findings;
  }
  /// What was asked so far.
  std::string asked() const {
    std::string text;
    read_file_if_there(directory / "asked", text);
    return text;
  }
  TestKong& kong;
  fs::path directory;
  Config config;
  std::string role;
  std::string plugins = "bundled,my-plugin";
  std::string more = "database = postgres\n";
};

}  // namespace

TEST_CASE("new migrations are refused with the command that runs them, on one host") {
  Migrations database;
  const auto findings = database.when(5, fresh);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].code == "migrations");
  CHECK_FALSE(findings[0].warning);
  CHECK(findings[0].plugin == "my-plugin");
  CHECK(findings[0].file == std::string(plugin) + "migrations/init.lua");
  CHECK(holds(findings[0].text,
              "migrations of my-plugin have not run in the database (000_base, "
              "001_more)"));
  CHECK(holds(findings[0].advice, "on ONE host"));
  CHECK(holds(findings[0].advice,
              "run: KONG_PLUGINS=bundled,my-plugin "
              "KONG_LUA_PACKAGE_PATH='TREE/?.lua;;' kong migrations up -c " +
                  database.config.conf.string()));
  CHECK(findings[1].plugin.empty());
  CHECK(holds(findings[1].text, "migrations of other have not run"));
  // In a clean prefix, of the candidate, in its database, and nothing but asked.
  CHECK(database.asked() == " migrations list --db-timeout 20|bundled,my-plugin|" +
                                database.kong.path_value("migrating") + "||1\n");
}

TEST_CASE("the state of the migrations decides: done, begun, begun and new, never bootstrapped") {
  Migrations database;
  CHECK(database.when(0, done).empty());
  const auto pending = database.when(4, begun);
  REQUIRE(pending.size() == 1);
  CHECK(pending.front().warning);
  CHECK(holds(pending.front().advice, "kong migrations finish -c"));
  const auto new_too = database.when(4, both);
  REQUIRE(new_too.size() == 1);
  CHECK_FALSE(new_too.front().warning);
  CHECK(new_too.front().plugin == "my-plugin");
  CHECK(new_too.front().advice.find("migrations finish") <
        new_too.front().advice.find("migrations up"));
  const auto empty = database.when(3, "Database needs bootstrapping or is older than Kong 1.0.\n");
  REQUIRE(empty.size() == 1);
  CHECK_FALSE(empty.front().warning);
  CHECK(holds(empty.front().advice, "kong migrations bootstrap -c"));
}

TEST_CASE("migrations that can't be asked for are a warning, in Kong's words") {
  Migrations database;
  const auto findings =
      database.when(1, "",
                    "Error: [PostgreSQL error] failed to retrieve: connection refused\n\n"
                    "  Run with --v (verbose) or --vv (debug) for more details\n");
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().warning);
  CHECK(holds(findings.front().text,
              "could not be asked: [PostgreSQL error] failed to retrieve: "
              "connection refused"));
  database.kong.write(database.directory / "hangs", "");
  const auto silent = database.preflight("migrating", std::chrono::seconds(3));
  REQUIRE(silent.size() == 1);
  CHECK(holds(silent.front().text, "no answer in time"));
}

TEST_CASE("nobody is asked where no migration can matter") {
  Migrations database;
  database.when(5, fresh);
  fs::remove(database.directory / "asked");
  CHECK(database.preflight("gen2").empty());  // the plugin brings none
  database.plugins = "bundled";
  database.preflight("migrating");  // it is not listed
  database.plugins = "bundled,my-plugin";
  database.role = "data_plane";
  database.preflight("migrating");
  database.role.clear();
  database.more = "";  // DB-less
  database.preflight("migrating");
  CHECK(database.asked().empty());
}

}  // namespace kongfleet::agent::test
