// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bundle.hpp"
#include "controller/rock_source.hpp"
#include "proto/error.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/zip_made_by_hand.hpp"

#include <sys/stat.h>

#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;
using Entries = std::vector<ZipEntry>;

constexpr unsigned files_too_many = 20'001;
constexpr std::uint64_t bomb_bytes = std::uint64_t{300} << 20U;

const std::string spec = R"(rockspec_format = "3.0"
package = "kong-plugin-greet"
version = "1.0.0-1"
source = { url = "x" }
build = { type = "builtin", modules = {} }
)";

/// A good rock of the plugin 'greet'.
Entries good_rock() {
  return {{.name = "kong-plugin-greet-1.0.0-1.rockspec", .content = spec},
          {.name = "lua/kong/plugins/greet/handler.lua"},
          {.name = "lua/kong/plugins/greet/schema.lua"}};
}

std::string with(const ZipEntry& entry) {
  auto entries = good_rock();
  entries.push_back(entry);
  return zip_by_hand(entries);
}

std::string read_as_release(const fs::path& directory) {
  auto tree = controller::read_rock(directory / "greet.all.rock");
  controller::make_release(*PluginName::parse("greet"), *Version::parse("1.0.0"), std::move(tree));
  return "accepted";
}

LocalCase of_bytes(const std::string& name, const std::string& threat, const std::string& wanted,
                   const std::function<std::string()>& bytes) {
  return {"rock: " + name, threat, wanted, read_as_release, [bytes](const fs::path& directory) {
            std::ofstream(directory / "greet.all.rock", std::ios::binary) << bytes();
          }};
}

/// A good rock with one entry more.
LocalCase of_entry(const std::string& name, const std::string& threat, const std::string& wanted,
                   const ZipEntry& entry) {
  return of_bytes(name, threat, wanted, [entry] { return with(entry); });
}

LocalCase of_mode(const std::string& name, unsigned mode, const std::string& wanted) {
  return of_entry(name, "T10", "'lua/a.lua' in it is " + wanted,
                  {.name = "lua/a.lua", .content = "/etc/shadow", .mode = mode});
}

LocalCases paths() {
  const std::string refused = "a release cannot hold that";
  return {
      of_bytes("that is good, by hand", "T9", "accepted", [] { return zip_by_hand(good_rock()); }),
      of_entry("a path that leads out", "T9", refused, {.name = "lua/../../etc/cron.d/x"}),
      of_entry("a path that leads out of what is left out", "T9", refused, {.name = "doc/../../x"}),
      of_entry("an absolute path", "T9", refused, {.name = "/etc/cron.d/x"}),
      of_entry("a path with a backslash", "T9", refused, {.name = "lua\\..\\..\\x.lua"}),
      of_entry("a path with two slashes", "T9", refused, {.name = "lua//x.lua"}),
      of_entry("a path from here", "T9", refused, {.name = "lua/./x.lua"}),
      of_entry("a directory that leads out", "T9", "'lua/../../x/' in it",
               {.name = "lua/../../x/", .content = "", .mode = 0040755}),
      of_entry("an entry whose bytes have a name that leads out", "T9", refused,
               {.name = "lua/x.lua", .local_name = "lua/../x"}),
      of_entry("a name that is no UTF-8", "T11", "in it", {.name = "lua/a\xff.lua"}),
      of_entry("a name that says it is UTF-8 and is none", "T11", "cannot be converted",
               {.name = "lua/a\xff.lua", .flags = 0x800}),
      of_entry("a name that looks like another", "T12", "cannot be converted",
               {.name = "lua/\xe2\x84\xaa.lua", .flags = 0x800}),
      of_entry("a name with escapes", "T17", "\\x1b[2J", {.name = "lua/\x1b[2J.lua"}),
      of_entry("a name with a line end", "T11", refused, {.name = "lua/a\nb.lua"}),
      of_entry("a name of 64 KiB", "T13", refused, {.name = "lua/" + std::string(65'000, 'n')}),
      of_entry("a path of 20,000 directories", "T13", refused,
               {.name =
                    [] {
                      std::string deep = "lua/";
                      for (int i = 0; i < 20'000; ++i) deep += "d/";
                      return deep + "x.lua";
                    }()}),
      of_entry("no name", "T11", "in it", {.name = ""}),
      of_entry("the same path twice", "T12", "occurs twice",
               {.name = "lua/kong/plugins/greet/handler.lua"}),
      of_entry("case twins", "T12", "differs only in case",
               {.name = "lua/kong/plugins/greet/Handler.lua"}),
      of_entry("a file below a file", "T12", "handler.lua",
               {.name = "lua/kong/plugins/greet/handler.lua/x.lua"}),
  };
}

LocalCases kinds() {
  return {
      of_mode("a link to a secret", 0120777, "a link"),
      of_mode("a character device", 0020666, "neither a plain file nor a directory"),
      of_mode("a block device", 0060666, "neither a plain file nor a directory"),
      of_mode("a socket", 0140777, "neither a plain file nor a directory"),
      of_mode("a setuid file", 0104755, "setuid or setgid"),
      of_mode("a setgid file", 0102755, "setuid or setgid"),
      of_entry("an encrypted file", "T14", "encrypted", {.name = "lua/a.lua", .flags = 1}),
      of_entry("a compiled module", "T10", "which was compiled", {.name = "lib/a.so"}),
      of_entry("a second rockspec", "T7", "it holds two rockspecs",
               {.name = "other-1-1.rockspec", .content = spec}),
      of_bytes("a rock within a rock, and nothing else", "T14", "there is nothing below lua/",
               [] {
                 return zip_by_hand(
                     {good_rock().front(),
                      {.name = "greet.all.rock", .content = zip_by_hand(good_rock())}});
               }),
      of_bytes("a rockspec that runs a command", "T2", ".rockspec:1: found",
               [] {
                 auto entries = good_rock();
                 entries.front().content = "os.execute('touch hacked')\n";
                 return zip_by_hand(entries);
               }),
      of_bytes("a rockspec of a million tables", "T13", "nested too deeply",
               [] {
                 auto entries = good_rock();
                 entries.front().content = "x = " + std::string(1'000'000, '{');
                 return zip_by_hand(entries);
               }),
  };
}

LocalCases sizes() {
  return {
      of_entry("an entry that says 4 GiB", "T13", "ZIP",
               {.name = "lua/a.lua", .packed = 0xfffffffe, .unpacked = 0xfffffffe}),
      of_entry("an entry that says 2^63 bytes", "T14", "Malformed 64-bit",
               {.name = "lua/a.lua",
                .packed = 0xffffffff,
                .unpacked = 0xffffffff,
                .extra = little_endian(1, 2) + little_endian(16, 2) +
                         little_endian(std::uint64_t{1} << 63U, 8) +
                         little_endian(std::uint64_t{1} << 63U, 8)}),
      of_entry("an entry that says less than it has", "T14", "ZIP",
               {.name = "lua/a.lua", .unpacked = 1}),
      of_entry("an entry of another CRC", "T14", "CRC", {.name = "lua/a.lua", .crc = 1}),
      of_entry("a way to compress that there is not", "T14", "ompress",
               {.name = "lua/a.lua", .method = 99}),
      of_bytes("a bomb of 300 MiB", "T13", "it unpacks to more than the 256 MiB",
               [] {
                 return with({.name = "lua/a.lua",
                              .content = deflated_zeros(bomb_bytes),
                              .method = 8,
                              .crc = 0,
                              .unpacked = static_cast<std::uint32_t>(bomb_bytes)});
               }),
      of_bytes("more entries than there may be", "T13", "more than 20000 entries",
               [] {
                 auto entries = good_rock();
                 for (unsigned i = 0; i < files_too_many; ++i)
                   entries.push_back({.name = "doc/" + std::to_string(i), .content = ""});
                 return zip_by_hand(entries);
               }),
      of_bytes("a directory beyond its end", "T14", "Unrecognized archive format",
               [] { return zip_by_hand(good_rock(), 0x7fffffff); }),
      of_bytes("a rock that ends early", "T14", "Unrecognized archive format",
               [] {
                 const auto whole = zip_by_hand(good_rock());
                 return whole.substr(0, whole.size() - 30);
               }),
      of_bytes("a rock that ends in a file", "T14", "Unrecognized archive format",
               [] { return zip_by_hand(good_rock()).substr(0, 500); }),
      of_bytes("a rock with something before it", "T14", "it is not a ZIP archive",
               [] { return "#!/bin/sh\n" + zip_by_hand(good_rock()); }),
  };
}

/// Nothing of ours unpacks a tar: what comes as one is no rock and no bundle, whatever is in it.
LocalCase of_tar(const std::string& name, const std::string& bytes) {
  return of_bytes("a tar " + name, "T10", "it is not a ZIP archive", [bytes] { return bytes; });
}

LocalCases tars() {
  const auto handler = tar_by_hand("lua/kong/plugins/greet/handler.lua", '0', "return {}\n");
  return {
      of_tar("of a device", tar_by_hand("lua/a.lua", '3', "")),
      of_tar("of a link", tar_by_hand("lua/a.lua", '2', "", "/etc/shadow")),
      of_tar("of a path that leads out", tar_by_hand("lua/../../etc/cron.d/x", '0', "x")),
      of_tar("of a good plugin", handler),
      of_tar("that was compressed", "\x1f\x8b\x08" + handler),
      {"bundle: a tar", "T10", "it is not a kongfleet bundle",
       [](const fs::path& directory) {
         controller::read_bundle(directory / "release.kfb");
         return "accepted"s;
       },
       [handler](const fs::path& directory) {
         std::ofstream(directory / "release.kfb", std::ios::binary) << handler;
       }},
      {"rock: a pipe", "T10", "it is not a plain file", read_as_release,
       [](const fs::path& directory) {
         const auto path = directory / "greet.all.rock";
         if (::mkfifo(path.c_str(), 0600) != 0) throw_errno("make", path);
       }},
      {"rock: a link to a device", "T10", "it is not a plain file", read_as_release,
       [](const fs::path& directory) {
         fs::create_symlink("/dev/zero", directory / "greet.all.rock");
       }},
  };
}

}  // namespace

LocalCases rock_cases() {
  LocalCases cases;
  for (auto* part : {paths, kinds, sizes, tars}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
