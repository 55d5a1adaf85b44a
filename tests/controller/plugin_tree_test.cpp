// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plugin_tree.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tree_fixture.hpp"
#include <cstdlib>

namespace kongfleet::controller {

namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

Names paths(const PluginTree& tree) {
  Names out;
  for (const auto& file : tree.files) out.push_back(file.path);
  return out;
}

/// A tree 'my-plugin' without mistakes, to be spoiled.
struct Spoiled {
  ScratchDirectory scratch;
  fs::path root = scratch.write_plugin("t", "my-plugin");
  void write(const std::string& path, std::string_view content = "x") const {
    scratch.write("t/" + path, content);
  }
  std::string message() const {
    const auto text = message_of([&] { read_plugin_tree(root); });
    return replaced(text, scratch.path().string(), "DIR");
  }
};

Release build(PluginTree tree) {
  return make_release(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), std::move(tree));
}

}  // namespace

TEST_CASE("a tree is the files below kong/ and the Lua modules beside it") {
  const Spoiled spoiled;
  for (const auto* path :
       {"README.md", "LICENSE", "x-1.0-1.rockspec", "Makefile", ".git/config", ".luacheckrc",
        "spec/a_spec.lua", "test/a.lua", "docs/x.md", "mylib/init.lua", "mylib/deep/er.lua",
        "config.lua", "kong/plugins/my-plugin/.hidden.lua", "kong/plugins/my-plugin/spec/in.lua",
        "kong/plugins/my-plugin/handler.lua~", "kong/plugins/my-plugin/.handler.lua.swp",
        "kong/plugins/my-plugin/__pycache__/x", "kong/plugins/my-plugin/README.md"}) {
    spoiled.write(path);
  }
  const auto tree = read_plugin_tree(spoiled.root);
  CHECK(paths(tree) ==
        Names{"config.lua", "kong/plugins/my-plugin/README.md",
              "kong/plugins/my-plugin/handler.lua", "kong/plugins/my-plugin/schema.lua",
              "kong/plugins/my-plugin/spec/in.lua", "mylib/deep/er.lua", "mylib/init.lua"});
  CHECK(tree.left_out ==
        Names{".git/", ".luacheckrc", "LICENSE", "Makefile", "README.md", "docs/",
              "kong/plugins/my-plugin/.handler.lua.swp", "kong/plugins/my-plugin/.hidden.lua",
              "kong/plugins/my-plugin/__pycache__/", "kong/plugins/my-plugin/handler.lua~", "spec/",
              "test/", "x-1.0-1.rockspec"});
  CHECK(plugins_of(tree) == Names{"my-plugin"});
}

TEST_CASE("of a file's mode only the owner's x counts") {
  const Spoiled spoiled;
  const auto handler = spoiled.root / "kong/plugins/my-plugin/handler.lua";
  const auto schema = spoiled.root / "kong/plugins/my-plugin/schema.lua";
  REQUIRE(::chmod(handler.c_str(), 0666) == 0);
  REQUIRE(::chmod(schema.c_str(), 0700) == 0);
  const auto tree = read_plugin_tree(spoiled.root);
  CHECK(tree.files[0].mode == 0644);
  CHECK(tree.files[1].mode == 0755);
}

TEST_CASE("the same tree makes the same release, wherever it lies and in whatever order") {
  const Spoiled a;
  const Spoiled b;
  const auto first = build(read_plugin_tree(a.root));
  auto tree = read_plugin_tree(b.root);
  std::swap(tree.files.front(), tree.files.back());
  const auto second = build(std::move(tree));
  CHECK(first.manifest.digest() == second.manifest.digest());
  CHECK(first.contents == second.contents);
  REQUIRE(first.contents.size() == 2);
  CHECK(first.contents[0] == good_handler());
  CHECK(sha256(first.contents[0]) == first.manifest.files()[0].digest);
}

TEST_CASE("what a release cannot hold is refused by name") {
  SECTION("a link, even to a file of the tree") {
    const Spoiled spoiled;
    fs::create_symlink("handler.lua", spoiled.root / "kong/plugins/my-plugin/link.lua");
    CHECK(spoiled.message() ==
          "plugin tree 'DIR/t': 'kong/plugins/my-plugin/link.lua' is a symbolic link; a release "
          "holds plain files, so put a copy there");
  }
  SECTION("a link to a directory") {
    const Spoiled spoiled;
    fs::create_directory_symlink("/etc", spoiled.root / "kong/plugins/my-plugin/etc");
    CHECK(spoiled.message().find("etc' is a symbolic link") != std::string::npos);
  }
  SECTION("a fifo") {
    const Spoiled spoiled;
    REQUIRE(::mkfifo((spoiled.root / "mylib.lua").c_str(), 0600) == 0);
    CHECK(spoiled.message() ==
          "plugin tree 'DIR/t': 'mylib.lua' is neither a plain file nor a directory; remove it");
  }
  SECTION("a setuid file") {
    const Spoiled spoiled;
    REQUIRE(::chmod((spoiled.root / "kong/plugins/my-plugin/handler.lua").c_str(), 04755) == 0);
    CHECK(spoiled.message() ==
          "plugin tree 'DIR/t': 'kong/plugins/my-plugin/handler.lua' is setuid or setgid; chmod "
          "ug-s it");
  }
  SECTION("names") {
    for (const std::string name : {"a b.lua", "-x.lua", "a\nb.lua", "\xC3\xA9.lua", "a;b.lua"}) {
      const Spoiled spoiled;
      spoiled.write("kong/plugins/my-plugin/" + name);
      INFO(name);
      CHECK(spoiled.message().ends_with("; a release cannot hold that"));
      CHECK(spoiled.message().find('\n') == std::string::npos);
    }
  }
  SECTION("depth") {
    const Spoiled spoiled;
    std::string deep = "kong";
    for (int i = 0; i < 20; ++i) deep += "/d";
    spoiled.write(deep + "/x.lua");
    CHECK(spoiled.message().ends_with("is more than 16 directories deep"));
  }
}

TEST_CASE("a directory that is no plugin tree is told what one looks like") {
  const ScratchDirectory scratch;
  const auto message = [&](const std::string& name) {
    return replaced(message_of([&] { read_plugin_tree(scratch.path() / name); }),
                    scratch.path().string(), "DIR");
  };
  scratch.write("flat/handler.lua", "x");
  scratch.write("other/x.lua", "x");
  scratch.write("file", "x");
  fs::create_directories(scratch.path() / "linked");
  fs::create_directory_symlink(scratch.path() / "other", scratch.path() / "linked/kong");
  CHECK(message("flat") ==
        "plugin tree 'DIR/flat': handler.lua lies at its top, but Kong looks for "
        "kong/plugins/NAME/handler.lua; name the directory that holds kong/");
  CHECK(message("other") ==
        "plugin tree 'DIR/other': there is no kong/plugins/ in it; a plugin tree holds "
        "kong/plugins/NAME/handler.lua and schema.lua");
  CHECK(message("linked").find("there is no kong/plugins/ in it") != std::string::npos);
  CHECK(message("none") ==
        "there is no plugin tree 'DIR/none'; a source is a directory that holds "
        "kong/plugins/NAME/, or a bundle (.kfb)");
  CHECK(message("file") ==
        "'DIR/file' is not a directory; a source is a directory that holds kong/plugins/NAME/, or "
        "a bundle (.kfb)");
}

TEST_CASE("a tree's limits are checked before its files are read") {
  TreeBudget budget("t");
  budget.admit("a", manifest_content_max);
  CHECK(message_of([&] { budget.admit("b", 1); }) ==
        "plugin tree 't': 'b' is too large; a release has at most 256 MiB in all");
  CHECK(message_of([&] { budget.admit("c", ~std::uint64_t{0}); }).find("too large") !=
        std::string::npos);
  TreeBudget many("t");
  for (std::size_t i = 0; i < manifest_files_max; ++i) many.admit("a", 0);
  CHECK(message_of([&] { many.admit("b", 0); }) ==
        "plugin tree 't': 'b' is one file too many; a release has at most 20000");
  const Spoiled spoiled;
  spoiled.write("kong/plugins/my-plugin/huge.bin");
  fs::resize_file(spoiled.root / "kong/plugins/my-plugin/huge.bin", std::uintmax_t{1} << 40U);
  CHECK(spoiled.message().find("huge.bin' is too large") != std::string::npos);
}

TEST_CASE("a tree without schema.lua makes no release") {
  auto tree = good_tree("my-plugin");
  tree.files.pop_back();
  CHECK(message_of([&] { build(tree); }).find("'kong/plugins/my-plugin/schema.lua' is missing") !=
        std::string::npos);
}

}  // namespace kongfleet::controller
