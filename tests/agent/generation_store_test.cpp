// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/generation_store.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace {

constexpr auto handler_path = "kong/plugins/my-plugin/handler.lua";
constexpr auto schema_path = "kong/plugins/my-plugin/schema.lua";

/// A store with generation 1 in it. All that a release says of its schema is the same every time.
struct Store : TempDir {
  Store() { build(1, "return 1\n"); }

  void build(std::uint64_t number, const std::string& handler) const {
    const auto releases = release(handler);
    const auto incoming = store.receive("test");
    for (const auto* text : {&handler, &schema}) {
      const bool missing = text == &handler || number == 1;
      if (missing) std::ofstream(incoming->file(sha256(*text))) << *text;
    }
    store.build(id(number), releases, incoming.get());
  }
  std::vector<Manifest> release(const std::string& handler) const {
    std::vector<ManifestFile> files{
        {*RelativePath::parse(handler_path), handler.size(), 0644, sha256(handler)},
        {*RelativePath::parse(schema_path), schema.size(), 0644, sha256(schema)}};
    return {Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"),
                            std::move(files))};
  }
  GenerationId id(std::uint64_t number) const { return {number, "0123456789ab"}; }
  fs::path file(std::uint64_t number, const char* path) const {
    return store.directory(id(number)) / path;
  }
  struct stat look(std::uint64_t number, const char* path) const {
    struct stat info {};
    REQUIRE(::lstat(file(number, path).c_str(), &info) == 0);
    return info;
  }
  bool shares_schema(std::uint64_t one, std::uint64_t other) const {
    return look(one, schema_path).st_ino == look(other, schema_path).st_ino;
  }
  const std::string schema = "return { name = 'my-plugin', fields = {} }\n";
  const GenerationStore store{path() / "generations"};
};

}  // namespace

TEST_CASE("generations share no file: who writes into one does not change the way back") {
  const Store kept;
  kept.build(2, "return 2\n");
  CHECK_FALSE(kept.shares_schema(1, 2));
  std::ofstream(kept.file(2, schema_path), std::ios::app) << "-- a person was here\n";
  CHECK_FALSE(kept.store.damage(2).empty());
  CHECK(kept.store.damage(1).empty());
}

TEST_CASE("a file that can't have another name is copied") {
  const Store kept;
  CHECK(message_with({SYS_link, EMLINK, 1, true}, [&] { kept.build(2, "return 2\n"); }).empty());
  CHECK_FALSE(kept.shares_schema(1, 2));
  CHECK(kept.store.damage(2).empty());
}

TEST_CASE("what was received and is not what it should be makes no generation") {
  const Store kept;
  const auto incoming = kept.store.receive("test");
  const auto received = incoming->file(sha256("return 2\n"));
  std::ofstream(received) << "return 3\n";
  const auto build = [&] {
    kept.store.build(kept.id(2), kept.release("return 2\n"), incoming.get());
  };
  CHECK_THROWS_WITH(build(),
                    "take '" + received.string() + "': its content is not what the manifest says");
  CHECK_FALSE(kept.store.find(2));
}

TEST_CASE("what was received is not written twice, but where one content has two places") {
  const TempDir directory;
  const GenerationStore store(directory.path() / "generations");
  const std::string text = "return 1\n";
  std::vector<ManifestFile> files{
      {*RelativePath::parse("kong/plugins/a/handler.lua"), text.size(), 0644, sha256(text)},
      {*RelativePath::parse("kong/plugins/a/schema.lua"), text.size(), 0755, sha256(text)}};
  const GenerationId id{1, "0123456789ab"};
  const auto incoming = store.receive("test");
  const auto received = incoming->file(sha256(text));
  write_all(create_file(received, 0600), text, received);
  const auto look = [&](const fs::path& path) {
    struct stat info {};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info;
  };
  store.build(id,
              {Manifest::build(*PluginName::parse("a"), *Version::parse("1"), std::move(files))},
              incoming.get());
  const auto first = look(store.directory(id) / "kong/plugins/a/handler.lua");
  const auto second = look(store.directory(id) / "kong/plugins/a/schema.lua");
  CHECK(first.st_ino == look(received).st_ino);
  CHECK((first.st_mode & 07777) == 0644);
  CHECK(second.st_ino != first.st_ino);
  CHECK((second.st_mode & 07777) == 0755);
  CHECK(store.damage(id).empty());
}

TEST_CASE("whose a generation's files are is known without a look into its manifests") {
  const Store kept;
  std::ofstream(kept.file(1, ".kongfleet/my-plugin.manifest")) << "garbage";
  std::ofstream(kept.file(1, ".kongfleet/other"));
  CHECK(kept.store.plugins(kept.id(1)) == std::set<std::string>{"my-plugin"});
  CHECK(kept.store.plugins(kept.id(2)).empty());
}
