// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/preflight_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace kongfleet::agent::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

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
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("bad", "3.0.0", "local H = {\nlocal x\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "syntax");
  CHECK(finding.plugin == "my-plugin");
  CHECK(finding.file == std::string(plugin) + "handler.lua");
  CHECK(finding.line == 2);
  CHECK(holds(finding.text, "near 'local'"));
}

TEST_CASE("a module that fails to load is found where it fails") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("bad", "3.0.0", "\nerror(\"boom at require\")\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "load");
  CHECK(finding.plugin == "my-plugin");
  CHECK(finding.file == std::string(plugin) + "handler.lua");
  CHECK(finding.line == 2);
  CHECK(holds(finding.text, "boom at require"));
}

TEST_CASE("a missing module is named") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("bad", "3.0.0", "local m = require \"no.such.module\"\nreturn {}\n");
  const auto finding = preflight.one("bad");
  CHECK(finding.code == "load");
  CHECK(holds(finding.text, "no.such.module"));
  CHECK_FALSE(holds(finding.text, "no file"));
}

TEST_CASE("a plugin without schema, and one without handler, is found") {
  auto& preflight = shared_kong(any_version());
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
  auto& preflight = shared_kong(any_version());
  const auto finding = preflight.one("gen2", "bundled");
  CHECK(finding.code == "config");
  CHECK(finding.plugin == "my-plugin");
  CHECK(holds(finding.text, "not enabled; add it"));
}

TEST_CASE("a configuration that no longer fits the new schema is found") {
  auto& preflight = shared_kong(any_version());
  preflight.kong.make("stricter", "3.0.0");
  preflight.kong.write(preflight.kong.gen("stricter") / plugin / "schema.lua",
                       "return { name = \"my-plugin\", fields = { { config = { type = \"record\", "
                       "fields = { { must = { type = \"string\", required = true } } } } } } }\n");
  const auto finding = preflight.one("stricter");
  CHECK(finding.code == "config");
  CHECK(holds(finding.text, "must"));
}

TEST_CASE("a module that never finishes loading is named with its line, and its process ended") {
  auto& preflight = shared_kong(TestKong::versions().back());
  preflight.kong.make("hang", "3.0.0");
  preflight.kong.write(preflight.kong.gen("hang") / plugin / "schema.lua",
                       "require \"kong.plugins.my-plugin.forever\"\n");
  preflight.kong.write(preflight.kong.gen("hang") / plugin / "forever.lua",
                       "local n = 0\nwhile true do\n  n = n + 1\nend\n");
  const auto findings = preflight.report("hang", "bundled,my-plugin", 8s).findings;
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().code == "load");
  CHECK(holds(findings.front().text, "does not finish loading"));
  CHECK(findings.front().plugin == "my-plugin");
  CHECK(findings.front().file == std::string(plugin) + "forever.lua");
  CHECK(findings.front().line >= 2);
  CHECK(findings.front().line <= 4);
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

TEST_CASE("a library in C and a module of Kong's right below kong/plugins are shadowed as well") {
  const Files files;
  files.put("lua/cjson.so");
  files.put("gen/cjson.lua");
  CHECK(files.codes() == "shadow");
  fs::remove(files.root / "gen/cjson.lua");
  files.put("lua/kong/plugins/base_plugin.lua");
  files.put("gen/kong/plugins/base_plugin.lua");
  CHECK(files.codes() == "shadow");
  fs::remove(files.root / "gen/kong/plugins/base_plugin.lua");
  files.put("gen/kong/plugins/base_plugin/init.lua");
  CHECK(files.codes() == "shadow");
}

TEST_CASE("a file in the place of another plugin that is installed here is refused") {
  const Files files;
  files.put("gen/kong/plugins/other/util.lua");
  CHECK(files.codes() == "");
  files.put("lua/kong/plugins/other/util.lua");
  CHECK(files.codes() == "shadow");
  const auto finding = inspect_generation(files.scene, files.paths).front();
  CHECK(finding.plugin == "other");
  CHECK(finding.file == "kong/plugins/other/util.lua");
}

TEST_CASE("what this host's Kong says is bundled counts as well") {
  const Files files;
  files.put("gen/kong/plugins/canary/handler.lua");
  CHECK(files.codes() == "");
  files.put("lua/kong/enterprise_edition/distributions_constants.lua",
            "local plugins = {\n  \"canary\",\n}\nreturn { other = { \"my-plugin\" } }\n");
  CHECK(files.codes() == "shadow");
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

TEST_CASE("every plugin that Kong 3 complains of becomes a finding") {
  const auto findings = findings_in(
      "Error: error loading plugin schemas: on plugin 'a': Plugin \"a\" cannot be loaded because "
      "its VERSION field does not follow the \"x.y.z\" format; on plugin 'b': error loading module "
      "'kong.plugins.b.handler':\n...leet/generations/000007-3f/kong/plugins/b/handler.lua:12: "
      "oops\nstack traceback:\n\t[C]: in function 'error'\n\n  Run with --v (verbose)",
      "/var/lib/kongfleet/generations/000007-3f");
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].plugin == "a");
  CHECK(findings[0].code == "version");
  CHECK(findings[0].file == "kong/plugins/a/handler.lua");
  CHECK(holds(findings[0].advice, "x.y.z"));
  CHECK(findings[1].plugin == "b");
  CHECK(findings[1].file == "kong/plugins/b/handler.lua");
  CHECK(findings[1].line == 12);
  CHECK(findings[1].text == "oops");
}

TEST_CASE("of a module that does not load it is told what is wrong there, and where once") {
  const auto findings = findings_in(
      "Error: error loading plugin schemas: on plugin 'b': error loading module "
      "'kong.plugins.b.handler':\nerror loading module 'kong.plugins.b.handler' from file "
      "'/g/000007-3f/kong/plugins/b/handler.lua':\n\t/g/000007-3f/kong/plugins/b/handler.lua:8: "
      "'<eof>' expected near 'local'\n\n  Run with --v (verbose)",
      "/g/000007-3f");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].code == "syntax");
  CHECK(findings[0].plugin == "b");
  CHECK(findings[0].file == "kong/plugins/b/handler.lua");
  CHECK(findings[0].line == 8);
  CHECK(findings[0].text == "'<eof>' expected near 'local'");
}

TEST_CASE("the line that sets a field of a handler is found, comments and comparisons are not it") {
  const Files files;
  const auto line = [&](const std::string& text) {
    files.put("h/handler.lua", text);
    const auto found = line_of_field(files.root / "h/handler.lua", "VERSION");
    fs::remove(files.root / "h/handler.lua");
    return found;
  };
  CHECK(line("local H = {\n  PRIORITY = 1,\n  VERSION = \"1\",\n}\n") == 3);
  CHECK(line("local H = {}\n-- VERSION = 1\nif H.VERSION == 2 then end\nH.VERSION= x") == 4);
  CHECK(line("H[\"VERSION\"] = 1") == 1);
  CHECK(line("return {}\n") == 0);
  CHECK(line_of_field(files.root / "nowhere", "VERSION") == 0);
}

TEST_CASE("versions are compared as numbers") {
  CHECK(version_at_least("3.10.0", 3, 9));
  CHECK(version_at_least("3.9.1.1-enterprise-edition", 3, 9));
  CHECK_FALSE(version_at_least("3.8.1", 3, 9));
  CHECK_FALSE(version_at_least("2.8.5", 3, 0));
  CHECK_FALSE(version_at_least("", 3, 0));
}

}  // namespace kongfleet::agent::test
