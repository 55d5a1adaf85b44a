// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/pack_command.hpp"

#include "controller/bundle.hpp"
#include "controller/child_process.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <signal.h>

#include "tree_fixture.hpp"
#include <cstdlib>
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

TEST_CASE("pack signs with a key file, or with one that only an ssh-agent has") {
  Pack pack;
  pack.scratch.write_plugin("t", "my-plugin");
  const auto key = pack.scratch.path() / "ci";
  const auto said = [](const std::vector<std::string>& argv, const std::string& input = {}) {
    return run_child(argv, input, {.output_bytes = 65536, .time = std::chrono::seconds(30)});
  };
  REQUIRE(said({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key.string()}).exit_code == 0);
  pack.scratch.write("signers", "ci@x " + pack.scratch.read("ci.pub"));
  const SigningOrder order{.key = key, .fleet = "edge", .serial = 7, .expires = 4'000'000'000};
  const auto verify = [&] {
    const auto release = read_bundle(pack.bundle());
    CHECK(release.manifest.terms() ==
          ReleaseTerms{.fleet = "edge", .serial = 7, .expires = 4'000'000'000});
    pack.scratch.write("sig", release.signature);
    const auto dir = pack.scratch.path().string();
    return said({"ssh-keygen", "-Y", "verify", "-n", "kongfleet-release-v1", "-I", "ci@x", "-f",
                 dir + "/signers", "-s", dir + "/sig"},
                release.manifest.text())
        .exit_code;
  };
  CHECK(pack.run({.signing = order}) == 0);
  CHECK_THAT(pack.out, Catch::EndsWith("\nsigned for fleet edge, serial 7, to be taken until "
                                       "2096-10-02T07:06:40Z\n"));
  CHECK(verify() == 0);
  CHECK(pack.run({.signing = order}, OutputFormat::Json) == 0);
  CHECK_THAT(pack.out, Catch::Contains(R"("signed":{"fleet":"edge","serial":7,)"));
  const auto first = read_bundle(pack.bundle());

  // With another's bundle: hosts take the two together.
  Pack other;
  other.scratch.write_plugin("t", "other-plugin");
  auto both = order;
  both.with = {pack.bundle()};
  CHECK(other.run({.signing = both}) == 0);
  CHECK_THAT(other.out, Catch::EndsWith("\nto run beside my-plugin@1.0.0, sha256 " +
                                        first.manifest.digest().hex() + "\n"));
  CHECK(read_bundle(other.bundle()).manifest.terms()->with ==
        std::vector{Companion{*PluginName::parse("my-plugin"), *Version::parse("1.0.0"),
                              first.manifest.digest()}});
  CHECK(other.run({.signing = both}, OutputFormat::Json) == 0);
  CHECK_THAT(other.out, Catch::Contains(R"("with":[{"name":"my-plugin","version":"1.0.0",)"));

  // The private key leaves the disk; only the agent has it now.
  const auto socket = (pack.scratch.path() / "agent").string();
  const auto agent = said({"ssh-agent", "-a", socket});
  REQUIRE(agent.exit_code == 0);
  const auto pid = std::stoi(agent.output.substr(agent.output.find("SSH_AGENT_PID=") + 14));
  ::setenv("SSH_AUTH_SOCK", socket.c_str(), 1);
  CHECK(said({"ssh-add", "-q", key.string()}).exit_code == 0);
  std::filesystem::remove(key);
  std::filesystem::remove(pack.bundle());
  auto by_agent = order;
  by_agent.key += ".pub";
  CHECK(pack.run({.signing = by_agent}) == 0);
  CHECK(verify() == 0);
  ::kill(pid, SIGTERM);
  ::unsetenv("SSH_AUTH_SOCK");
}

TEST_CASE("pack that cannot sign writes nothing") {
  Pack pack;
  pack.scratch.write_plugin("t", "my-plugin");
  const auto refused = [&](const SigningOrder& order) {
    CHECK(pack.run({.signing = order}) == 1);
    CHECK_FALSE(std::filesystem::exists(pack.bundle()));
    return pack.err;
  };
  SigningOrder order{.key = pack.scratch.path() / "none", .fleet = "edge", .expires = 1};
  CHECK(refused(order) ==
        "kongfleet: a release that expires at 1970-01-01T00:00:01Z has expired already; no host "
        "would take it\n");
  order.expires = std::chrono::hours(1);
  CHECK(refused(order) == "kongfleet: sign with 'DIR/none': there is no such file\n");
  order.key = pack.scratch.write("text", "no key\n");
  CHECK_THAT(refused(order),
             Catch::StartsWith("kongfleet: sign with 'DIR/text': ssh-keygen says: "));
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
        "kongfleet: plugin tree 'DIR/t': it holds the plugins 'my-plugin' and 'other'; a release "
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
