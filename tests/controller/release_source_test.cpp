// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/release_source.hpp"

#include "controller/bundle.hpp"
#include "controller/child_process.hpp"
#include "controller/fleet_file.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

/// The entry of plugin 'my-plugin' in a fleet file at DIR/fleet.toml.
FleetPlugin entry(const fs::path& directory, const std::string& settings) {
  const auto text = "[plugins.my-plugin]\n" + settings +
                    "\n[fleet]\nname = \"f\"\n[groups.g]\nhosts = [\"a\"]\nplugins = []\n";
  return parse_fleet(text, {.path = directory / "fleet.toml"}).plugins.front();
}

std::string message(const ScratchDirectory& scratch, const std::string& settings) {
  const auto text = message_of([&] { load_release(entry(scratch.path(), settings)); });
  return replaced(text, scratch.path().string(), "DIR");
}

/// A repository with a tree of 'my-plugin', and one more in the directory 'sub'.
struct Repository {
  ScratchDirectory scratch;
  fs::path path = scratch.path() / "repo";

  Repository() {
    scratch.write_plugin("repo", "my-plugin");
    scratch.write_plugin("repo/sub", "my-plugin");
    scratch.write("repo/sub/mylib/crlf.lua", "return 1\r\n");
    scratch.write("repo/.gitattributes", "*.lua text eol=lf\n");
    scratch.write("repo/spec/a.lua", "x");
    git({"init", "-q", "-b", "main"});
    // Outside the tree's own attributes, so that the bytes are committed as they are.
    git({"config", "core.autocrlf", "false"});
    fs::remove(path / ".gitattributes");
    commit("v1.0.0");
  }
  void git(std::vector<std::string> arguments) const {
    std::vector<std::string> argv = {"git",
                                     "-C",
                                     path.string(),
                                     "-c",
                                     "user.name=t",
                                     "-c",
                                     "user.email=t@example.net",
                                     "-c",
                                     "commit.gpgsign=false"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto result = run_child(argv, "", {.output_bytes = 10'000, .time = 60s});
    if (result.exit_code != 0) throw Error("git: " + result.errors);
  }
  void commit(const std::string& tag) const {
    git({"add", "-A"});
    git({"commit", "-q", "-m", tag});
    git({"tag", tag});
  }
  std::string source(const std::string& ref) const {
    return "source = \"git+file://" + path.string() + "#" + ref + "\"";
  }
  std::string message(const std::string& ref) const {
    const auto text = message_of([&] { load_release(entry(scratch.path(), source(ref))); });
    return replaced(text, scratch.path().string(), "DIR");
  }
};

}  // namespace

TEST_CASE("a directory becomes a release at handler.lua's VERSION or the fleet file's") {
  const ScratchDirectory scratch;
  scratch.write_plugin("p", "my-plugin");
  CHECK(load_release(entry(scratch.path(), "source = \"p\"")).manifest.release() ==
        "my-plugin@1.0.0");
  CHECK(load_release(entry(scratch.path(), "source = \"p\"\nversion = \"2\"")).manifest.release() ==
        "my-plugin@2");
}

TEST_CASE("a directory and the bundle of it are the same release") {
  const ScratchDirectory scratch;
  scratch.write_plugin("p", "my-plugin");
  const auto tree = load_release(entry(scratch.path(), "source = \"p\""));
  write_bundle(scratch.path() / "p.kfb", tree);
  const auto bundle = load_release(entry(scratch.path(), "source = \"p.kfb\""));
  CHECK(bundle.manifest.digest() == tree.manifest.digest());
  CHECK(bundle.contents == tree.contents);
}

TEST_CASE("a bundle of another name or version is refused") {
  const ScratchDirectory scratch;
  auto release =
      make_release(*PluginName::parse("other"), *Version::parse("1"), good_tree("other"));
  write_bundle(scratch.path() / "o.kfb", release);
  CHECK(message(scratch, "source = \"o.kfb\"") ==
        "DIR/fleet.toml:1:10: the bundle 'DIR/o.kfb' holds other@1, not 'my-plugin'");
  release =
      make_release(*PluginName::parse("my-plugin"), *Version::parse("1"), good_tree("my-plugin"));
  write_bundle(scratch.path() / "m.kfb", release);
  CHECK(message(scratch, "source = \"m.kfb\"\nversion = \"2\"") ==
        "DIR/fleet.toml:1:10: the bundle 'DIR/m.kfb' holds my-plugin@1, not version 2");
}

TEST_CASE("mistakes in a source are told with the place in the fleet file") {
  const ScratchDirectory scratch;
  CHECK(message(scratch, "source = \"none\"") ==
        "DIR/fleet.toml:1:10: there is no plugin tree 'DIR/none'; a source is a directory that "
        "holds kong/plugins/NAME/, or a bundle (.kfb)");
  CHECK(message(scratch, "source = \"none.kfb\"") ==
        "DIR/fleet.toml:1:10: read bundle 'DIR/none.kfb': there is no such file");
  scratch.write("t.txt", "hello");
  CHECK(message(scratch, "source = \"t.txt\"") ==
        "DIR/fleet.toml:1:10: read bundle 'DIR/t.txt': it is not a kongfleet bundle");
  scratch.write("n/kong/plugins/my-plugin/handler.lua", "return { VERSION = version() }");
  CHECK(message(scratch, "source = \"n\"") ==
        "DIR/fleet.toml:1:10: plugin tree 'DIR/n': kong/plugins/my-plugin/handler.lua has no "
        "VERSION that can be read off; write VERSION = \"1.0.0\" there, or give the release one "
        "(version = \"1.0.0\" in [plugins.my-plugin], pack --release-version 1.0.0)");
  scratch.write("v/kong/plugins/my-plugin/handler.lua", "return { VERSION = \"1 \\n2\" }");
  CHECK(message(scratch, "source = \"v\"") ==
        "DIR/fleet.toml:1:10: plugin tree 'DIR/v': kong/plugins/my-plugin/handler.lua has VERSION "
        "\"1 \\n2\"; a version has 1 to 64 letters, digits, '.', '+' and '-'");
  scratch.write("e/kong/plugins/my_plugin/handler.lua", "x");
  CHECK(message(scratch, "source = \"e\"") ==
        "DIR/fleet.toml:1:10: plugin tree 'DIR/e': kong/plugins/my-plugin/handler.lua is missing; "
        "Kong needs it to load the plugin");
}

TEST_CASE("a commit is read from a repository, with the committed bytes") {
  const Repository repository;
  const auto plain = load_release(entry(repository.scratch.path(), repository.source("v1.0.0")));
  CHECK(plain.manifest.files().size() == 5);  // sub/ is a directory at the top, too
  const auto sub = load_release(entry(repository.scratch.path(), repository.source("main:sub")));
  CHECK(sub.manifest.release() == "my-plugin@1.0.0");
  REQUIRE(sub.contents.size() == 3);
  CHECK(sub.contents[0] == good_handler());
  CHECK(sub.contents[2] == "return 1\r\n");
}

TEST_CASE("a commit stays what it is when the work tree and the branch go on") {
  const Repository repository;
  const auto read = [&] {
    return load_release(entry(repository.scratch.path(), repository.source("v1.0.0:sub")));
  };
  const auto before = read();
  repository.scratch.write("repo/sub/kong/plugins/my-plugin/handler.lua", "changed");
  repository.commit("v2");
  repository.scratch.write("repo/sub/kong/plugins/my-plugin/handler.lua", "not committed");
  CHECK(read().manifest.digest() == before.manifest.digest());
}

TEST_CASE("a tree in a repository and in a directory are the same release") {
  const Repository repository;
  const auto git = load_release(entry(repository.scratch.path(), repository.source("main:sub")));
  const auto tree = load_release(entry(repository.scratch.path(), "source = \"repo/sub\""));
  CHECK(git.manifest.digest() == tree.manifest.digest());
}

TEST_CASE("what is wrong with a repository is told") {
  const Repository repository;
  CHECK(repository.message("v9") ==
        "DIR/fleet.toml:1:10: git repository 'DIR/repo': it has no commit 'v9'");
  CHECK(repository.message("main:nowhere")
            .starts_with("DIR/fleet.toml:1:10: git repository 'DIR/repo': commit 'main' has no "
                         "directory 'nowhere': "));
  CHECK(repository.message("main:spec").find("there is no kong/plugins/ in it") !=
        std::string::npos);
  const auto gone = message(repository.scratch, "source = \"git+file:///nonexistent/x.git#main\"");
  CHECK(gone.starts_with("DIR/fleet.toml:1:10: git repository '/nonexistent/x.git': "));
  fs::create_symlink("handler.lua", repository.path / "sub/kong/plugins/my-plugin/link.lua");
  repository.commit("linked");
  CHECK(repository.message("linked:sub").find("link.lua' is a symbolic link") != std::string::npos);
}

}  // namespace kongfleet::controller
