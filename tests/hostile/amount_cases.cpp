// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// Small inputs that mean much: by multiplication, by repetition, by nesting.
#include "controller/fleet_file.hpp"
#include "controller/inventory_source.hpp"
#include "controller/lua_handler.hpp"
#include "controller/plugin_lint.hpp"
#include "controller/rockspec.hpp"
#include "controller/ssh_config.hpp"
#include "proto/error.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <sys/stat.h>

#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;
using Text = std::function<std::string()>;

// Texts are made where they are read: what is held beside it would count as the reader's.
std::string numbered(int count, const std::function<std::string(int)>& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text(i);
  return all;
}

std::string name(const char* stem, int number) { return stem + std::to_string(number); }

LocalCase of_fleet(const std::string& what, const std::string& wanted, const Text& text) {
  return {"fleet.toml: " + what, "T13", wanted, [text](const fs::path&) {
            controller::parse_fleet(text(), {.path = "fleet.toml", .home = "/root"});
            return "accepted"s;
          }};
}

const std::string head =
    "[fleet]\nname = \"edge\"\n[ssh]\nuser = \"kongfleet\"\n[plugins.greet]\nsource = \"greet\"\n"
    "[groups.g0]\nhosts = [\"a-[0000-9998]\"]\nplugins = [\"greet\"]\n";

LocalCases fleets() {
  const std::string deep = "found too many tables within each other";
  const std::string held = "can be held";
  return {
      of_fleet("a dotted key behind an escaped quote", deep,
               [] { return "\"\\\"\"." + times(15'000, "a.") + "a=1\n"; }),
      of_fleet("a dotted table behind an escaped quote", deep,
               [] { return "[\"\\\"\"." + times(15'000, "a.") + "a]\n"; }),
      of_fleet("a dotted key behind a text of several lines", deep,
               [] { return "x={a=\"\"\"\n#\"\"\",b" + times(15'000, ".b") + "=1}\n"; }),
      of_fleet("a dotted key behind a text in single quotes", deep,
               [] { return "x={a='''\n\"''',b" + times(15'000, ".b") + "=1}\n"; }),
      of_fleet("groups that take in groups twice", held,
               [] {
                 return head + numbered(29, [](int i) {
                          return "[groups." + name("g", i + 1) + "]\ngroups = [\"" + name("g", i) +
                                 "\", \"" + name("g", i) + "\"]\n";
                        });
               }),
      of_fleet("the same pattern ten thousand times", held,
               [] {
                 return head + "[groups.h]\nhosts = [" + times(10'000, "\"a-[0000-9998]\",") +
                        "]\n";
               }),
      of_fleet("three thousand groups of the same hosts", held,
               [] {
                 return head + numbered(3000, [](int i) {
                          return "[groups." + name("h", i) + "]\nhosts = [\"a-[0000-9998]\"]\n";
                        });
               }),
      of_fleet("a hundred thousand plugins", "found more than 500 plugins",
               [] {
                 return head + numbered(100'000, [](int i) {
                          return "[plugins." + name("p", i) + "]\nsource = \"p\"\n";
                        });
               }),
      of_fleet("many plugins on many hosts", held,
               [] {
                 auto list = numbered(499, [](int i) { return "\"" + name("p", i) + "\","; });
                 return head +
                        numbered(499,
                                 [](int i) {
                                   return "[plugins." + name("p", i) + "]\nsource = \"p\"\n";
                                 }) +
                        "[groups.h]\nhosts = [\"h-[0000-9998]\"]\nplugins = [" + list + "]\n";
               }),
      of_fleet("twenty thousand exclusions", "can be waited for",
               [] {
                 return head + "exclude = [" +
                        numbered(20'000,
                                 [](int i) {
                                   return "\"a-" + std::to_string(1000 + i % 9000) + "\",";
                                 }) +
                        "]\n";
               }),
      of_fleet("a long name ten thousand times", "is too long; 253 bytes",
               [] {
                 return head + "[groups.h]\nhosts = [\"a[0000-9998]" + times(400'000, "x") +
                        "\"]\n";
               }),
      of_fleet("a name of a million pieces", "is too long; 253 bytes",
               [] { return head + "[groups.h]\nhosts = [\"" + times(1'000'000, "[1]") + "\"]\n"; }),
  };
}

LocalCase of_inventory(const std::string& what, const std::string& file, const std::string& wanted,
                       const Text& text) {
  return {"inventory " + file + ": " + what, "T13", wanted,
          [file](const fs::path& directory) {
            controller::InventorySource source{.where = "fleet.toml:1:1"};
            if (file == "script") {
              source.command = {"/bin/cat", file};
              source.directory = directory;
              source.timeout = std::chrono::seconds(15);
            } else {
              source.file = directory / file;
            }
            const auto inventory = controller::load_inventory(source);
            for (const auto& [host, variables] : inventory.hosts) inventory.reach(host);
            return "accepted"s;
          },
          [file, text](const fs::path& directory) {
            std::ofstream(directory / file, std::ios::binary) << text();
          }};
}

std::string chain(int groups) {
  return numbered(
      groups, [](int i) { return "[" + name("g", i) + ":children]\n" + name("g", i + 1) + "\n"; });
}

LocalCases inventories() {
  const std::string held = "the inventory means more than can be held";
  const std::string ini = "hosts.ini";
  return {
      of_inventory("many hosts in groups two thousand deep", ini, held,
                   [] {
                     return chain(2000) + "[g2000]\n" +
                            numbered(9, [](int i) { return name("h", i) + "-[0:9998]\n"; });
                   }),
      of_inventory("many hosts in groups three hundred deep", ini, held,
                   [] {
                     return chain(300) + "[g300]\n" +
                            numbered(9, [](int i) { return name("h", i) + "-[0:9998]\n"; });
                   }),
      of_inventory("groups twenty thousand deep", ini, held,
                   [] { return chain(19'900) + "[g19900]\nh\n"; }),
      of_inventory("many words behind many hosts", ini, held,
                   [] { return "h[0:9998] " + times(300'000, "a=b ") + "\n"; }),
      of_inventory("the same hosts again and again", ini, held,
                   [] { return times(20'000, "h[0:9998]\n"); }),
      of_inventory("a long variable of many hosts", ini, held,
                   [] { return "h[0:9998] ansible_user=" + times(1'000'000, "x") + "\n"; }),
      of_inventory(
          "a long variable of all hosts", ini, held,
          [] { return "h[0:9998]\n[all:vars]\nansible_user=" + times(1'000'000, "x") + "\n"; }),
      of_inventory("a long name of many hosts", ini, "is too long; 1000 bytes",
                   [] { return "h[0:9998]" + times(40'000, "x") + "\n"; }),
      of_inventory("a name of a million pieces", ini, "is too long; 1000 bytes",
                   [] { return "h" + times(1'000'000, "[1:1]") + "\n"; }),
      of_inventory("sixty thousand directives", "hosts.yml", "hosts.yml:101:1: found more than 100",
                   [] { return times(60'000, "%TAG !a! b\n") + "--- {}\n"; }),
      of_inventory("thirty million numbers", "script", "found more than 3000000 values",
                   [] { return "{\"a\":[" + times(30'000'000, "0,") + "0]}"; }),
      of_inventory("ten million lists", "script", "found more than 3000000 values",
                   [] { return "{\"a\":[" + times(10'000'000, "[],") + "0]}"; }),
      {"inventory: variables of a group in a pipe", "T8", "it is a pipe, not a file",
       [](const fs::path& directory) {
         controller::load_inventory({.where = "fleet.toml:1:1", .file = directory / "hosts"});
         return "accepted"s;
       },
       [](const fs::path& directory) {
         std::ofstream(directory / "hosts") << "h\n";
         fs::create_directory(directory / "group_vars");
         const auto pipe = directory / "group_vars/all.yml";
         if (::mkfifo(pipe.c_str(), 0644) != 0) throw_errno("make", pipe);
       }},
  };
}

// What each of ten lines includes, fourteen files deep, is the next file; there is no end to it.
LocalCase of_includes() {
  return {"ssh_config: files that include each other ten times", "T8",
          "more than 1000 files are included", [](const fs::path&) {
            const auto file = [](int number) {
              return times(10, "Include " + name("inc", number + 1) + "\n");
            };
            controller::SshConfig config;
            config.add(file(0), "config", "/root/.ssh",
                       {.read =
                            [&](const std::string& path) {
                              const auto number = std::stoi(path.substr(path.rfind('c') + 1));
                              return std::optional(number == 14 ? ""s : file(number));
                            },
                        .match = [](const std::string& p) { return std::vector<std::string>{p}; }});
            return "accepted"s;
          }};
}

LocalCase of_rockspec(const std::string& what, const std::string& wanted, const Text& text) {
  return {"rockspec: " + what, "T13", wanted, [text](const fs::path&) {
            controller::needs_of_rockspec(text(), "greet.rockspec");
            return "accepted"s;
          }};
}

/// What `check` says of a plugin with that handler.
LocalCase of_handler(const std::string& what, const std::string& wanted, const Text& text) {
  return {"handler.lua: " + what, "T13", wanted, [text](const fs::path&) {
            controller::PluginTree tree{.root = "greet"};
            tree.files.push_back({.path = "kong/plugins/greet/handler.lua", .content = text()});
            tree.files.push_back({.path = "kong/plugins/greet/schema.lua", .content = "return {}"});
            for (int i = 0; i < 15'000; ++i)
              tree.files.push_back({.path = "lib/" + name("m", 100'000 + i) + ".lua"});
            std::string said = controller::handler_version(tree.files[0].content).value_or("none");
            for (const auto& found :
                 controller::lint_plugin(tree, {.name = *PluginName::parse("greet")}))
              if (said.size() < 1000) said += "; " + text_of(found);
            return said;
          }};
}

LocalCases lua() {
  return {
      of_rockspec(
          "a long name again and again", "the string is too long",
          [] { return "a = '" + times(60'000, "x") + "'\nz = {" + times(200'000, "a,") + "}"; }),
      of_handler("sixty thousand versions", "1",
                 [] { return "local x = '1'\n" + times(60'000, "a.VERSION=x "); }),
      of_handler("sixty thousand versions that are long", "none",
                 [] {
                   return "local x = '" + times(1'000'000, "1") + "'\n" +
                          times(60'000, "a.VERSION=x ");
                 }),
      of_handler("a hundred thousand requires", "which is not in the tree",
                 [] { return times(100'000, "require 'lib.x' "); }),
      of_handler("of a hundred megabytes", "is larger than 2 MiB, and so was not looked at",
                 [] { return times(100'000'000, ";"); }),
  };
}

}  // namespace

LocalCases amount_cases() {
  LocalCases cases;
  for (auto* part : {fleets, inventories, lua}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  cases.push_back(of_includes());
  return cases;
}

}  // namespace kongfleet::hostile
