// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bundle.hpp"
#include "proto/error.hpp"
#include "proto/zstd_stream.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <sys/stat.h>

#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr std::size_t bomb_bytes = std::size_t{64} << 20;

struct Parts {
  std::string magic = "kongfleet-bundle 1\n";
  std::string manifest = good_manifest();
  std::string content = zstd_compress(good_content());
  std::optional<std::uint64_t> manifest_length = std::nullopt, content_length = std::nullopt;
  std::uint64_t signature_length = 0;
  std::string after = "";
};

std::string bytes_of(const Parts& parts) {
  return parts.magic + big_endian(parts.manifest_length.value_or(parts.manifest.size()), 4) +
         big_endian(parts.signature_length, 4) +
         big_endian(parts.content_length.value_or(parts.content.size()), 8) + parts.manifest +
         parts.content + parts.after;
}

LocalCase of_file(const std::string& name, const std::string& threat, const std::string& wanted,
                  const std::function<std::string()>& bytes) {
  return {"bundle: " + name, threat, wanted,
          [](const fs::path& directory) {
            controller::read_bundle(directory / "release.kfb");
            return "accepted"s;
          },
          [bytes](const fs::path& directory) {
            std::ofstream(directory / "release.kfb", std::ios::binary) << bytes();
          }};
}

LocalCase of_parts(const std::string& name, const std::string& threat, const std::string& wanted,
                   const Parts& parts) {
  return of_file(name, threat, wanted, [parts] { return bytes_of(parts); });
}

/// A path that is no plain file.
LocalCase of_kind(const std::string& name, const std::string& wanted,
                  const std::function<void(const fs::path&)>& make) {
  return {"bundle: " + name, "T10", wanted,
          [](const fs::path& directory) {
            controller::read_bundle(directory / "release.kfb");
            return "accepted"s;
          },
          [make](const fs::path& directory) { make(directory / "release.kfb"); }};
}

LocalCases headers() {
  const std::string absurd = "its manifest's length is absurd";
  const std::string content_absurd = "its content's length is absurd";
  const std::string early = "it ends too early";
  return {
      of_file("no bytes", "T14", "it is not a kongfleet bundle", [] { return ""s; }),
      of_file("a ZIP file", "T14", "it is not a kongfleet bundle", [] { return "PK\x03\x04"s; }),
      of_file("half a header", "T14", early, [] { return bytes_of({}).substr(0, 25); }),
      of_file("that ends early", "T14", early,
              [] {
                const auto whole = bytes_of({});
                return whole.substr(0, whole.size() - 1);
              }),
      of_parts("of another version", "T29", "its format is of another version than 1",
               {.magic = "kongfleet-bundle 2\n"}),
      of_parts("with bytes after its end", "T14", "there are bytes after its end", {.after = "x"}),
      of_parts("no manifest", "T14", absurd, {.manifest = ""}),
      of_parts("a manifest of 4 GiB", "T13", absurd, {.manifest_length = 0xffffffff}),
      of_parts("a manifest of 6 MiB and a byte", "T13", absurd, {.manifest_length = 6291457}),
      of_parts("a manifest longer than the file", "T14", early, {.manifest_length = 6291456}),
      of_parts("no content", "T14", content_absurd, {.content = ""}),
      of_parts("content of 2^64-1 bytes", "T14", content_absurd,
               {.content_length = ~std::uint64_t{0}}),
      of_parts("lengths whose sum overflows", "T14", content_absurd,
               {.content_length = ~std::uint64_t{0} - 34}),
      of_parts("content longer than the file", "T14", early, {.content_length = 200'000'000}),
      of_kind("a directory", "it is not a plain file",
              [](const fs::path& path) { fs::create_directory(path); }),
      of_kind("a pipe", "it is not a plain file",
              [](const fs::path& path) {
                if (::mkfifo(path.c_str(), 0600) != 0) throw_errno("make", path);
              }),
      of_kind("a link to a device", "it is not a plain file",
              [](const fs::path& path) { fs::create_symlink("/dev/zero", path); }),
      of_kind("a link to itself", "there is no such file",
              [](const fs::path& path) { fs::create_symlink("release.kfb", path); }),
  };
}

LocalCases insides() {
  const std::string more = "compressed content: more than the";
  return {
      of_parts("a path that leads out", "T9", "has a component '..'",
               {.manifest = with_last(file_line("../../etc/cron.d/x"))}),
      of_parts("a setuid file", "T10", "the mode is neither 0644 nor 0755",
               {.manifest = with_last(file_line("z.lua", "4755"))}),
      of_parts("case twins", "T12", "differs only in case",
               {.manifest = with_first(file_line("a/B.lua") + file_line("a/b.lua"))}),
      of_parts("escapes for a name", "T17", "'\\x1b[2J' is not a plugin name",
               {.manifest = replaced(good_manifest(), "name greet", "name \x1b[2J")}),
      of_parts("content that is another's", "T14", "is not what its manifest says",
               {.content = zstd_compress(replaced(good_content(), "1000", "1001"))}),
      of_parts("content of a byte more", "T14", more,
               {.content = zstd_compress(good_content() + "x")}),
      of_parts("content of a byte less", "T14", "compressed content: ends after",
               {.content = zstd_compress(good_content().substr(0, good_content().size() - 1))}),
      of_parts("two frames of content", "T14", "compressed content: bytes after its end",
               {.content = zstd_compress(good_content()) + zstd_compress(good_content())}),
      of_parts("content that is not compressed", "T14",
               "compressed content: ", {.content = good_content()}),
      of_file("a bomb of 64 MiB", "T13", more,
              [] { return bytes_of({.content = zstd_compress(std::string(bomb_bytes, '\0'))}); }),
      of_file("6 MiB of lines", "T13", "manifest, line 6: expected 'file …', found ''",
              [] {
                return bytes_of(
                    {.manifest = good_manifest() +
                                 std::string(6U << 20U, '\n').substr(good_manifest().size())});
              }),
  };
}

}  // namespace

LocalCases bundle_cases() {
  LocalCases cases;
  for (auto* part : {headers, insides}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
