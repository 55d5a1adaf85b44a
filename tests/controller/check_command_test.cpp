// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/check_command.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "tree_fixture.hpp"
#include <sstream>

namespace kongfleet::controller {

namespace {

/// A directory with a fleet file and the plugin it names, to be spoiled.
struct Project {
  ScratchDirectory scratch;
  Project() {
    scratch.write_plugin("p", "my-plugin");
    scratch.write("fleet.toml",
                  "[fleet]\nname = \"f\"\n[plugins.my-plugin]\nsource = \"p\"\n"
                  "[groups.g]\nhosts = [\"a[1-3]\"]\nplugins = [\"my-plugin\"]\nprobes = [\"p\"]\n"
                  "[probes.p]\ntype = \"tcp\"\naddress = \"127.0.0.1:8000\"\n");
  }
  void handler(const std::string& text) const {
    scratch.write("p/kong/plugins/my-plugin/handler.lua", text);
  }
};

struct Run {
  std::ostringstream out_stream;
  std::ostringstream err_stream;
  int exit_code;
  std::string out;
  std::string err;
  explicit Run(const Project& project, OutputFormat format = OutputFormat::Text)
      : exit_code(run_check({.fleet_file = project.scratch.path() / "fleet.toml"},
                            {format, out_stream, err_stream})) {
    const auto dir = project.scratch.path().string();
    out = replaced(out_stream.str(), dir, "DIR");
    err = replaced(err_stream.str(), dir, "DIR");
  }
};

}  // namespace

TEST_CASE("check tells of a good fleet what it is") {
  const Project project;
  project.scratch.write("p/README.md", "x");
  const Run run(project);
  CHECK(run.exit_code == 0);
  CHECK(run.err.empty());
  const auto report = check_fleet(project.scratch.path() / "fleet.toml");
  CHECK(run.out == "fleet f: 3 hosts, g has 3\nmy-plugin@1.0.0: 2 files, " +
                       counted(report.plugins[0].manifest->content_bytes(), "byte") + ", sha256 " +
                       report.plugins[0].manifest->digest().brief() +
                       ", from p\n  left out: 'README.md'\n0 errors, 0 warnings\n");
}

TEST_CASE("check fails for a mistake in the fleet file, as one line") {
  const Project project;
  project.scratch.write("fleet.toml", "[fleet]\nnam = \"f\"\n");
  const Run run(project);
  CHECK(run.exit_code == 1);
  CHECK(run.out.empty());
  CHECK(run.err ==
        "kongfleet: DIR/fleet.toml:2:1: unknown key 'nam' in [fleet]; did you mean 'name'?\n");
  CHECK(Run(project, OutputFormat::Json).out ==
        "{\"schema\":\"kongfleet/1\",\"command\":\"check\",\"ok\":false,\"error\":\"DIR/fleet.toml:"
        "2:1: unknown key 'nam' in [fleet]; did you mean 'name'?\"}\n");
}

TEST_CASE("check fails for an error in a plugin, and names the file as one would open it") {
  const Project project;
  project.handler(
      "return { PRIORITY = 1, VERSION = \"1.0.0\" }\nrequire "
      "\"kong.plugins.my-plugin.x\"\n");
  const Run run(project);
  CHECK(run.exit_code == 1);
  CHECK(run.out.find("my-plugin: no release, from p\n  DIR/p/kong/plugins/my-plugin/handler.lua:2: "
                     "error: requires 'kong.plugins.my-plugin.x', which is not in the tree\n") !=
        std::string::npos);
}

TEST_CASE("check finds Lua that does not compile") {
  const Project project;
  project.handler("return { PRIORITY = 1, VERSION = \"1.0.0\" \n= }\n");
  const Run run(project);
  CHECK(run.exit_code == 1);
  CHECK(run.out.find("handler.lua:2: error: is not Lua: ") != std::string::npos);
}

TEST_CASE("check passes with warnings") {
  const Project project;
  project.handler("return { VERSION = \"1.0.0\" }\n");
  const Run run(project);
  CHECK(run.exit_code == 0);
  CHECK(
      run.out.ends_with("warning: has no PRIORITY; Kong 3 refuses to load it\n0 errors, 1 "
                        "warning\n"));
}

TEST_CASE("check tells what nobody uses, and who has no probe") {
  const Project project;
  project.scratch.write("fleet.toml",
                        "[fleet]\nname = \"f\"\n[plugins.my-plugin]\nsource = \"p\"\n"
                        "[plugins.other]\nsource = \"none\"\n"
                        "[groups.g]\nhosts = [\"a\"]\nplugins = [\"my-plugin\"]\n"
                        "[probes.p]\ntype = \"tcp\"\naddress = \"127.0.0.1:8000\"\n");
  const Run run(project);
  CHECK(run.exit_code == 1);
  CHECK(run.out.find("other: no release, from none\n  DIR/fleet.toml:5:10: there is no plugin tree "
                     "'DIR/none'; a source is a directory that holds kong/plugins/NAME/, or a "
                     "bundle (.kfb)\nnote: no group has the plugin 'other'\nnote: no group has the "
                     "probe 'p'\nnote: 'a' has no probe: only Kong itself is asked whether it "
                     "serves\n1 error, 0 warnings\n") != std::string::npos);
}

TEST_CASE("check's JSON has the documented fields") {
  const Project project;
  project.handler("return { VERSION = \"1.0.0\" }\n");
  const Run run(project, OutputFormat::Json);
  const auto document = boost::json::parse(run.out).as_object();
  CHECK(document.at("schema").as_string() == "kongfleet/1");
  CHECK(document.at("ok").as_bool());
  CHECK(document.at("hosts").as_int64() == 3);
  const auto& plugin = document.at("plugins").as_array().at(0).as_object();
  CHECK(plugin.at("version").as_string() == "1.0.0");
  CHECK(plugin.at("digest").as_string().size() == 64);
  const auto& finding = plugin.at("findings").as_array().at(0).as_object();
  CHECK(finding.at("severity").as_string() == "warning");
  CHECK(finding.at("file").as_string() == "DIR/p/kong/plugins/my-plugin/handler.lua");
}

TEST_CASE("counts are told as people write them") {
  CHECK(counted(1, "host") == "1 host");
  CHECK(counted(0, "host") == "0 hosts");
  CHECK(counted(1234567, "byte") == "1,234,567 bytes");
  CHECK(counted(123, "byte") == "123 bytes");
}

}  // namespace kongfleet::controller
