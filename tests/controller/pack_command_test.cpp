// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/pack_command.hpp"

#include "controller/bundle.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "tree_fixture.hpp"
#include <sstream>

namespace kongfleet::controller {

namespace {

/// Packs the directory 't' of a scratch directory into 'x.kfb' beside it.
struct Pack {
  ScratchDirectory scratch;
  std::string out;
  std::string err;
  int run(const PackCommand& more = {}, OutputFormat format = OutputFormat::Text) {
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    auto command = more;
    command.tree = scratch.path() / "t";
    command.output = bundle();
    const auto exit_code = run_pack(command, {format, out_stream, err_stream});
    out = replaced(out_stream.str(), scratch.path().string(), "DIR");
    err = replaced(err_stream.str(), scratch.path().string(), "DIR");
    return exit_code;
  }
  std::filesystem::path bundle() const { return scratch.path() / "x.kfb"; }
};

}  // namespace

TEST_CASE("pack makes a bundle of the tree's only plugin at its handler's VERSION") {
  Pack pack;
  pack.scratch.write_plugin("t", "my-plugin");
  CHECK(pack.run() == 0);
  CHECK(pack.err.empty());
  const auto release = read_bundle(pack.bundle());
  CHECK(release.manifest.release() == "my-plugin@1.0.0");
  CHECK(pack.out == "wrote DIR/x.kfb: my-plugin@1.0.0, 2 files, " +
                        counted(release.manifest.content_bytes(), "byte") + ", sha256 " +
                        release.manifest.digest().hex() + "\n");
}

TEST_CASE("packing twice gives the same bytes") {
  Pack pack;
  pack.scratch.write_plugin("t", "my-plugin");
  REQUIRE(pack.run() == 0);
  const auto first = pack.scratch.read("x.kfb");
  REQUIRE(pack.run() == 0);
  CHECK(pack.scratch.read("x.kfb") == first);
}

TEST_CASE("pack takes another version, and warns that Kong will show the handler's") {
  Pack pack;
  pack.scratch.write_plugin("t", "my-plugin");
  CHECK(pack.run({.version = Version::parse("2.0.0")}) == 0);
  CHECK(pack.err ==
        "DIR/t/kong/plugins/my-plugin/handler.lua:1: warning: VERSION is \"1.0.0\", the release is "
        "called 2.0.0; Kong's Admin API shows the former, so it cannot confirm the latter\n");
  CHECK(read_bundle(pack.bundle()).manifest.release() == "my-plugin@2.0.0");
}

TEST_CASE("pack writes nothing when there is a mistake, and says which") {
  Pack pack;
  const auto refused = [&](const PackCommand& more = {}) {
    CHECK(pack.run(more) == 1);
    CHECK(pack.out.empty());
    CHECK_FALSE(std::filesystem::exists(pack.bundle()));
    return pack.err;
  };
  CHECK(refused() ==
        "kongfleet: there is no plugin tree 'DIR/t'; a source is a directory that holds "
        "kong/plugins/NAME/, or a bundle (.kfb)\n");
  pack.scratch.write("t/kong/plugins/readme.txt", "x");
  CHECK(refused() == "kongfleet: plugin tree 'DIR/t': there is no plugin below kong/plugins/\n");
  std::filesystem::remove(pack.scratch.path() / "t/kong/plugins/readme.txt");
  pack.scratch.write("t/kong/plugins/My_Plugin/handler.lua", "return {}");
  CHECK(refused().starts_with(
      "kongfleet: plugin tree 'DIR/t': 'My_Plugin' is not a plugin name; it has 1 to 64 small "));
  std::filesystem::remove_all(pack.scratch.path() / "t/kong/plugins/My_Plugin");
  pack.scratch.write("t/kong/plugins/my-plugin/handler.lua", good_handler());
  CHECK(refused() ==
        "kongfleet: DIR/t/kong/plugins/my-plugin/schema.lua: error: is missing; Kong needs it to "
        "load the plugin\n");
  pack.scratch.write("t/kong/plugins/my-plugin/schema.lua", "return {");
  CHECK(refused().starts_with(
      "kongfleet: DIR/t/kong/plugins/my-plugin/schema.lua:1: error: is not Lua: "));
  pack.scratch.write_plugin("t", "other");
  CHECK(refused() ==
        "kongfleet: plugin tree 'DIR/t': it holds the plugins 'my-plugin' and 'other'; a bundle "
        "holds one, so give each a tree of its own\n");
}

TEST_CASE("pack's JSON tells what was written") {
  Pack pack;
  pack.scratch.write_plugin("t", "my-plugin");
  CHECK(pack.run({}, OutputFormat::Json) == 0);
  const auto document = boost::json::parse(pack.out).as_object();
  CHECK(document.at("schema").as_string() == "kongfleet/1");
  CHECK(document.at("bundle").as_string() == "DIR/x.kfb");
  CHECK(document.at("version").as_string() == "1.0.0");
  std::filesystem::remove_all(pack.scratch.path() / "t");
  CHECK(pack.run({}, OutputFormat::Json) == 1);
  CHECK_FALSE(boost::json::parse(pack.out).at("ok").as_bool());
}

}  // namespace kongfleet::controller
