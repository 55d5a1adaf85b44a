// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/preflight.hpp"

#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "tests/agent/kong_fixture.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A running Kong on gen1, and what preflight says of other generations.
struct Preflight {
  explicit Preflight(const std::string& version) : kong(version), node(kong.config()) {
    kong.start();
    facts = node.inspect();
  }
  std::vector<Finding> of(const std::string& generation,
                          const std::string& plugins = "bundled,my-plugin") {
    const auto conf = kong.config().conf;
    const auto live = read_file(conf);
    kong.configure(generation, plugins);
    const auto candidate = kong.config().state / "candidate.conf";
    kong.write(candidate, read_file(conf));
    kong.write(conf, live);
    return node.preflight(facts, candidate, kong.gen(generation), Clock::now() + 60s);
  }
  /// The only finding.
  Finding one(const std::string& generation, const std::string& plugins = "bundled,my-plugin") {
    const auto findings = of(generation, plugins);
    REQUIRE(findings.size() == 1);
    INFO(findings.front().text);
    CHECK_FALSE(findings.front().warning);
    CHECK_FALSE(findings.front().advice.empty());
    return findings.front();
  }
  TestKong kong;
  KongNode node;
  GatewayFacts facts;
};

std::string any_version() { return GENERATE(from_range(TestKong::versions())); }

constexpr const char* plugin = "kong/plugins/my-plugin/";

}  // namespace

TEST_CASE("a good candidate is found good, leaves no trace, and the node is untouched") {
  Preflight preflight(any_version());
  const auto before = preflight.node.snapshot(preflight.facts);
  const auto environment = read_file(preflight.facts.prefix / ".kong_env");
  for (const auto& finding : preflight.of("gen2")) FAIL(finding.text);
  CHECK(preflight.node.snapshot(preflight.facts).workers == before.workers);
  CHECK(read_file(preflight.facts.prefix / ".kong_env") == environment);
  CHECK(std::distance(fs::directory_iterator(preflight.kong.config().state), {}) == 1);
}

TEST_CASE("a syntax error is found with file and line") {
  Preflight preflight(any_version());
  preflight.kong.make("bad", "3.0.0", "local H = {\nlocal x\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "syntax");
  CHECK(finding.plugin == "my-plugin");
  CHECK(finding.file == std::string(plugin) + "handler.lua");
  CHECK(finding.line == 2);
  CHECK(holds(finding.text, "near 'local'"));
}

TEST_CASE("a module that fails to load is found where it fails") {
  Preflight preflight(any_version());
  preflight.kong.make("bad", "3.0.0", "\nerror(\"boom at require\")\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "load");
  CHECK(finding.plugin == "my-plugin");
  CHECK(finding.file == std::string(plugin) + "handler.lua");
  CHECK(finding.line == 2);
  CHECK(holds(finding.text, "boom at require"));
}

TEST_CASE("a missing module is named") {
  Preflight preflight(any_version());
  preflight.kong.make("bad", "3.0.0", "local m = require \"no.such.module\"\nreturn {}\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "load");
  CHECK(holds(finding.text, "no.such.module"));
  CHECK_FALSE(holds(finding.text, "no file"));
}

TEST_CASE("a plugin without schema, and one without handler, is found") {
  Preflight preflight(any_version());
  preflight.kong.make("noschema", "3.0.0");
  fs::remove(preflight.kong.gen("noschema") / plugin / "schema.lua");
  const auto schema = preflight.one("noschema");
  CHECK(schema.code == "schema");
  CHECK(schema.plugin == "my-plugin");
  preflight.kong.make("nohandler", "3.0.0");
  fs::remove(preflight.kong.gen("nohandler") / plugin / "handler.lua");
  const auto handler = preflight.one("nohandler");
  CHECK(handler.code == "missing");
  CHECK(handler.plugin == "my-plugin");
}

TEST_CASE("a plugin in use that leaves `plugins` is found by the node's own declarative file") {
  Preflight preflight(any_version());
  const auto finding = preflight.one("gen2", "bundled");
  CHECK(finding.code == "config");
  CHECK(finding.plugin == "my-plugin");
  CHECK(holds(finding.text, "not enabled; add it"));
}

TEST_CASE("a configuration that no longer fits the new schema is found") {
  Preflight preflight(any_version());
  preflight.kong.make("stricter", "3.0.0");
  preflight.kong.write(preflight.kong.gen("stricter") / plugin / "schema.lua",
                       "return { name = \"my-plugin\", fields = { { config = { type = \"record\", "
                       "fields = { { must = { type = \"string\", required = true } } } } } } }\n");
  const auto finding = preflight.one("stricter");
  CHECK(finding.code == "config");
  CHECK(holds(finding.text, "must"));
}

TEST_CASE("a module that never finishes loading is found, and its process ended") {
  Preflight preflight(TestKong::versions().back());
  preflight.kong.make("hang", "3.0.0", "while true do end\n");
  const auto conf = preflight.kong.config().conf;
  preflight.kong.configure("hang");
  const auto findings = preflight.node.preflight(preflight.facts, conf, preflight.kong.gen("hang"),
                                                 Clock::now() + 3s);
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().code == "load");
  CHECK(holds(findings.front().text, "does not finish loading"));
}

namespace {

/// Only directories: what is found without Kong.
struct Files {
  Files() {
    std::string name = (fs::temp_directory_path() / "kfp-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
    ::chmod(name.c_str(), 0755);
    paths.lua_roots = {root / "lua"};
    paths.rocks = root / "rocks";
    scene.generation = root / "gen";
    scene.kong_version = "2.8.5";
    scene.worker = {"kong", 12345, 12345, {12345}, "/"};
    put("gen/kong/plugins/my-plugin/handler.lua");
  }
  ~Files() { fs::remove_all(root); }
  void put(const std::string& name, const std::string& text = "") const {
    fs::create_directories((root / name).parent_path());
    const Fd file = create_file(root / name, 0644);
    write_all(file, text, root / name);
  }
  /// The codes found, warnings in parentheses.
  std::string codes() const {
    std::string text;
    for (const auto& finding : inspect_generation(scene, paths))
      text += finding.warning ? "(" + finding.code + ")" : finding.code;
    return text;
  }
  fs::path root;
  HostPaths paths;
  PreflightScene scene;
};

}  // namespace

TEST_CASE("a generation beside whose modules there are no others is left alone") {
  const Files files;
  CHECK(files.codes() == "");
}

TEST_CASE("a module that Kong has as well would shadow it") {
  const Files files;
  files.put("gen/resty/http.lua");
  CHECK(files.codes() == "");
  files.put("lua/resty/http/init.lua");
  CHECK(files.codes() == "shadow");
}

TEST_CASE("a plugin named as a bundled one is refused") {
  const Files files;
  files.put("gen/kong/plugins/cors/handler.lua");
  CHECK(files.codes() == "shadow");
}

TEST_CASE("a copy on Kong's own path is a warning, a rock a refusal up to Kong 3.8") {
  Files files;
  files.put("lua/kong/plugins/my-plugin/handler.lua");
  CHECK(files.codes() == "(stale-copy)");
  files.put("rocks/manifest", "modules = {\n[\"kong.plugins.my-plugin.handler\"] = {\n");
  CHECK(files.codes() == "shadow");
  files.scene.kong_version = "3.9.1";
  CHECK(files.codes() == "(stale-copy)");
}

TEST_CASE("files that the workers can't read are found, and directories they can't enter") {
  Files files;
  const auto handler = files.scene.generation / "kong/plugins/my-plugin/handler.lua";
  ::chmod(handler.c_str(), 0600);
  CHECK(files.codes() == "unreadable");
  ::chmod(handler.c_str(), 0640);
  REQUIRE(::chown(handler.c_str(), 0, 12345) == 0);
  CHECK(files.codes() == "");
  ::chmod(files.root.c_str(), 0700);
  CHECK(files.codes() == "unreadable");
  files.scene.worker = {"root", 0, 0, {0}, "/root"};
  CHECK(files.codes() == "");
  files.scene.private_tmp = true;
  CHECK(files.codes() == "unreadable");
}

TEST_CASE("migrations are a warning where there is a database") {
  Files files;
  files.put("gen/kong/plugins/my-plugin/migrations/init.lua");
  CHECK(files.codes() == "");
  files.scene.database = true;
  CHECK(files.codes() == "(migrations)");
}

TEST_CASE("every plugin that Kong 3 complains of becomes a finding") {
  const auto findings = findings_in(
      "Error: error loading plugin schemas: on plugin 'a': Plugin \"a\" cannot be loaded because "
      "its VERSION field does not follow the \"x.y.z\" format; on plugin 'b': error loading module "
      "'kong.plugins.b.handler':\n...leet/generations/000007-3f/kong/plugins/b/handler.lua:12: "
      "oops\nstack traceback:\n\t[C]: in function 'error'\n\n  Run with --v (verbose)",
      "/var/lib/kongfleet/generations/000007-3f");
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].plugin == "a");
  CHECK(holds(findings[0].advice, "x.y.z"));
  CHECK(findings[1].plugin == "b");
  CHECK(findings[1].file == "kong/plugins/b/handler.lua");
  CHECK(findings[1].line == 12);
  CHECK_FALSE(holds(findings[1].text, "traceback"));
}

TEST_CASE("versions are compared as numbers") {
  CHECK(version_at_least("3.10.0", 3, 9));
  CHECK(version_at_least("3.9.1.1-enterprise-edition", 3, 9));
  CHECK_FALSE(version_at_least("3.8.1", 3, 9));
  CHECK_FALSE(version_at_least("2.8.5", 3, 0));
  CHECK_FALSE(version_at_least("", 3, 0));
}

}  // namespace kongfleet::agent::test
