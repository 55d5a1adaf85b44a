// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bundle.hpp"

#include "controller/plugin_tree.hpp"
#include "controller/release_source.hpp"
#include "proto/zstd_stream.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"
#include <fstream>
#include <random>

namespace kongfleet::controller {

namespace fs = std::filesystem;

namespace {

Release small_release() {
  auto tree = good_tree("my-plugin");
  tree.files.push_back({"mylib/empty.lua", 0755, ""});
  return make_release(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), std::move(tree));
}

std::string number(std::uint64_t value, int width) {
  std::string out;
  for (int i = width - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
  return out;
}

std::string bundle_of(const std::string& manifest, const std::string& content) {
  return "kongfleet-bundle 1\n" + number(manifest.size(), 4) + number(0, 4) +
         number(content.size(), 8) + manifest + content;
}

/// Reads `bytes` as a bundle; the message, or "" when it is good.
std::string verdict(const ScratchDirectory& scratch, const std::string& bytes) {
  const auto path = scratch.write("x.kfb", bytes);
  try {
    read_bundle(path);
    return "";
  } catch (const Error& error) {
    return replaced(error.what(), "read bundle '" + path.string() + "': ", "");
  }
}

std::string golden_path() {
  return std::string(KONGFLEET_SOURCE) + "/tests/golden/my-plugin-1.0.0.kfb";
}

}  // namespace

TEST_CASE("a bundle reads back as the release it was made of") {
  const ScratchDirectory scratch;
  const auto release = small_release();
  write_bundle(scratch.path() / "a.kfb", release);
  const auto again = read_bundle(scratch.path() / "a.kfb");
  CHECK(again.manifest.text() == release.manifest.text());
  CHECK(again.contents == release.contents);
}

TEST_CASE("the bytes of a bundle are the documented ones") {
  const auto release = small_release();
  std::string content;
  for (const auto& bytes : release.contents) content += bytes;
  CHECK(bundle_bytes(release) == bundle_of(release.manifest.text(), zstd_compress(content)));
}

TEST_CASE("the golden bundle is read, for ever, and its manifest is written as it was") {
  const auto golden = read_bundle(golden_path());
  const auto release = small_release();
  CHECK(golden.manifest.digest() == release.manifest.digest());
  CHECK(golden.contents == release.contents);
  std::ifstream file(golden_path(), std::ios::binary);
  std::string head(35 + release.manifest.text().size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  const auto written = bundle_bytes(release);
  // Not the compressed content: another version of zstd may find a shorter text for the same.
  CHECK(head.substr(0, 27) == written.substr(0, 27));
  CHECK(head.substr(35) == written.substr(35, release.manifest.text().size()));
}

TEST_CASE("a bundle cut anywhere, or longer than it should be, is refused") {
  const ScratchDirectory scratch;
  const auto good = bundle_bytes(small_release());
  REQUIRE(verdict(scratch, good).empty());
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    if (verdict(scratch, good.substr(0, cut)).empty()) FAIL("cut at " << cut);
  }
  CHECK(verdict(scratch, good + "x") == "there are bytes after its end");
  CHECK(verdict(scratch, "") == "it is not a kongfleet bundle");
  CHECK(verdict(scratch, good.substr(0, 30)) == "it ends too early");
}

TEST_CASE("a bundle with any one bit turned is refused, or still the same release") {
  const ScratchDirectory scratch;
  const auto release = small_release();
  const auto good = bundle_bytes(release);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    if (!verdict(scratch, bad).empty()) continue;
    const auto read = read_bundle(scratch.path() / "x.kfb");
    // What the manifest says about itself (a version, a mode) may change: that is what signatures
    // are for. Content that differs from its digest never passes.
    REQUIRE(read.contents == release.contents);
  }
}

TEST_CASE("a signature travels with its bundle") {
  const ScratchDirectory scratch;
  auto release = small_release();
  release.signature = "-----BEGIN SSH SIGNATURE-----\nwhatever";
  write_bundle(scratch.path() / "a.kfb", release);
  const auto again = read_bundle(scratch.path() / "a.kfb");
  CHECK(again.signature == release.signature);
  CHECK(again.contents == release.contents);
  const auto bytes = scratch.read("a.kfb");
  CHECK(verdict(scratch, bytes.substr(0, bytes.size() - 1)) == "it ends too early");
  CHECK(verdict(scratch, bytes + "x") == "there are bytes after its end");
  const auto material = read_plugin_path(scratch.path() / "a.kfb");
  CHECK(material.signature == release.signature);
}

TEST_CASE("lengths are checked before memory is taken") {
  const ScratchDirectory scratch;
  const std::string magic = "kongfleet-bundle 1\n";
  CHECK(verdict(scratch, magic + number(0xFFFFFFFFU, 4) + number(0, 4) + number(1, 8)) ==
        "its manifest's length is absurd");
  CHECK(verdict(scratch, magic + number(0, 4) + number(0, 4) + number(1, 8)) ==
        "its manifest's length is absurd");
  CHECK(verdict(scratch, magic + number(1, 4) + number(0, 4) + number(~std::uint64_t{0}, 8)) ==
        "its content's length is absurd");
  CHECK(verdict(scratch, magic + number(1, 4) + number(0, 4) + number(0, 8) + "x") ==
        "its content's length is absurd");
  CHECK(verdict(scratch, magic + number(9, 4) + number(65537, 4) + number(9, 8)) ==
        "its signature's length is absurd");
  CHECK(verdict(scratch, magic + number(900, 4) + number(0, 4) + number(9, 8)) ==
        "it ends too early");
  CHECK(verdict(scratch, "kongfleet-bundle 2\nxxxxxxxxxxxxxxxxxxx") ==
        "its format is of another version than 1; a newer kongfleet may read it");
}

TEST_CASE("content that is not what the manifest says is refused") {
  const ScratchDirectory scratch;
  const auto release = small_release();
  const auto& manifest = release.manifest.text();
  auto content = release.contents[0] + release.contents[1];
  content[5] = static_cast<char>(content[5] ^ 1);
  CHECK(verdict(scratch, bundle_of(manifest, zstd_compress(content))) ==
        "the content of 'kong/plugins/my-plugin/handler.lua' is not what its manifest says");
  content.back() = 'x';
  CHECK_FALSE(verdict(scratch, bundle_of(manifest, zstd_compress(content + "x"))).empty());
  CHECK_FALSE(verdict(scratch, bundle_of(manifest, zstd_compress("short"))).empty());
  CHECK_FALSE(verdict(scratch, bundle_of(manifest, "not zstd")).empty());
  CHECK_FALSE(
      verdict(scratch, bundle_of(manifest, zstd_compress(std::string(1U << 28U, 'a')))).empty());
  CHECK_FALSE(
      verdict(scratch, bundle_of(replaced(manifest, "mylib/", "../../"), zstd_compress(content)))
          .empty());
}

TEST_CASE("what is no plain file is not read as a bundle") {
  const ScratchDirectory scratch;
  fs::create_directory(scratch.path() / "d.kfb");
  CHECK(message_of([&] { read_bundle(scratch.path() / "d.kfb"); }).ends_with("not a plain file"));
  CHECK(message_of([&] { read_bundle(scratch.path() / "n.kfb"); }).ends_with("no such file"));
}

TEST_CASE("random bytes behind a good beginning are refused") {
  const ScratchDirectory scratch;
  std::mt19937 random(1);  // a fixed seed: the same bytes in every run
  for (int round = 0; round < 200; ++round) {
    std::string bytes = bundle_bytes(small_release()).substr(0, 19 + random() % 200);
    for (int i = 0; i < 300; ++i) bytes += static_cast<char>(random() & 0xFFU);
    if (verdict(scratch, bytes).empty()) FAIL("round " << round);
  }
}

}  // namespace kongfleet::controller
