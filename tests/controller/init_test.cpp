// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/init.hpp"

#include "controller/fleet_file.hpp"
#include "controller/plugin_lint.hpp"
#include "controller/release_source.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"
#include <sstream>

namespace kongfleet::controller {

namespace {

struct Run {
  std::ostringstream out;
  std::ostringstream err;
  int exit_code;
  explicit Run(const std::filesystem::path& directory, OutputFormat format = OutputFormat::Text)
      : exit_code(run_init({.directory = directory}, {format, out, err})) {}
};

}  // namespace

TEST_CASE("init writes a fleet file and a plugin that pass every check") {
  const ScratchDirectory scratch;
  const Run run(scratch.path() / "new/dir");
  CHECK(run.exit_code == 0);
  CHECK(run.err.str().empty());
  const auto fleet = load_fleet(scratch.path() / "new/dir/fleet.toml");
  CHECK(fleet.hosts.size() == 3);
  REQUIRE(fleet.plugins.size() == 1);
  const auto material = read_plugin(fleet.plugins[0]);
  CHECK(lint_plugin(material.tree, {.name = fleet.plugins[0].name}).empty());
  CHECK(load_release(fleet.plugins[0]).manifest.release() == "my-plugin@1.0.0");
}

TEST_CASE("init writes where one is, when told no directory") {
  const ScratchDirectory scratch;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  const Run run(InitCommand{}.directory);
  std::filesystem::current_path(before);
  CHECK(run.err.str().empty());
  CHECK(run.exit_code == 0);
  CHECK(std::filesystem::exists(scratch.path() / "fleet.toml"));
}

TEST_CASE("every setting that init's fleet file mentions in a comment is a good one") {
  std::string text(init_files()[0].content);
  for (const auto* line :
       {"# connect_timeout", "# max_connections", "# version", "# agent", "# [probes.echo]",
        "# type = \"http\"", "# url", "# status", "# header", "# interval", "# timeout",
        "# successes", "# [probes.guide]", "# type = \"smoke\"", "# header"}) {
    const auto at = text.find(line);
    REQUIRE(at != std::string::npos);
    text.erase(at, 2);
  }
  const auto fleet = parse_fleet(text, {.path = "fleet.toml"});
  CHECK(fleet.probe("echo").header[0].second == "1\\.0\\.0");
  CHECK(fleet.probe("guide").header == fleet.probe("echo").header);
}

TEST_CASE("init overwrites nothing, and writes nothing when one file is in its way") {
  const ScratchDirectory scratch;
  const auto schema = scratch.write("plugins/my-plugin/kong/plugins/my-plugin/schema.lua", "mine");
  const Run run(scratch.path());
  CHECK(run.exit_code == 1);
  CHECK(run.out.str().empty());
  CHECK(run.err.str() ==
        "kongfleet: '" + schema.string() + "' is there already; nothing was written\n");
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "fleet.toml"));
  CHECK(scratch.read("plugins/my-plugin/kong/plugins/my-plugin/schema.lua") == "mine");
}

TEST_CASE("init tells what it wrote") {
  const ScratchDirectory scratch;
  const auto dir = scratch.path().string();
  CHECK(replaced(Run(scratch.path() / "a").out.str(), dir, "DIR") ==
        "wrote DIR/a/fleet.toml\n"
        "wrote DIR/a/plugins/my-plugin/kong/plugins/my-plugin/handler.lua\n"
        "wrote DIR/a/plugins/my-plugin/kong/plugins/my-plugin/schema.lua\n"
        "next: put your hosts into fleet.toml, then run 'kongfleet check'\n");
  CHECK(replaced(Run(scratch.path() / "b", OutputFormat::Json).out.str(), dir, "DIR") ==
        "{\"schema\":\"kongfleet/1\",\"command\":\"init\",\"ok\":true,\"files\":["
        "\"DIR/b/fleet.toml\",\"DIR/b/plugins/my-plugin/kong/plugins/my-plugin/handler.lua\","
        "\"DIR/b/plugins/my-plugin/kong/plugins/my-plugin/schema.lua\"]}\n");
}

TEST_CASE("init into what is no directory is one line") {
  const ScratchDirectory scratch;
  scratch.write("f", "x");
  const Run run(scratch.path() / "f");
  CHECK(run.exit_code == 1);
  CHECK(run.err.str().starts_with("kongfleet: "));
}

}  // namespace kongfleet::controller
