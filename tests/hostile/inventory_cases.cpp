// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/inventory_source.hpp"
#include "proto/error.hpp"
#include "tests/hostile/cases.hpp"

#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr auto script_time =
    std::chrono::seconds(15);  // on a busy machine even 'exit 0' takes its time
constexpr auto endless_time = std::chrono::milliseconds(500);  // of one that would not end anyway

/// Reads it, and asks how each host is reached, as a rollout does.
std::string read_all(const controller::InventorySource& source) {
  const auto inventory = controller::load_inventory(source);
  for (const auto& [name, variables] : inventory.hosts) inventory.reach(name);
  return "accepted";
}

LocalCase of_file(const std::string& name, const std::string& threat, const std::string& file,
                  const std::string& text, const std::string& wanted) {
  return {"inventory " + file + ": " + name, threat, wanted,
          [file](const fs::path& directory) {
            return read_all({.where = "fleet.toml:1:1", .file = directory / file});
          },
          [file, text](const fs::path& directory) {
            std::ofstream(directory / file, std::ios::binary) << text;
          }};
}

LocalCase of_script(const std::string& name, const std::string& threat, const std::string& body,
                    const std::string& wanted, std::chrono::milliseconds timeout = script_time) {
  return {
      "inventory script: " + name, threat, wanted,
      [timeout](const fs::path& directory) {
        return read_all({.where = "fleet.toml:1:1",
                         .file = {},
                         .command = {"/bin/sh", "script"},
                         .directory = directory,
                         .timeout = timeout});
      },
      [body](const fs::path& directory) { std::ofstream(directory / "script") << body << "\n"; }};
}

LocalCases of_ini() {
  const std::string f = "hosts.ini";
  return {
      of_file("an option for an address", "T2", f, "a ansible_host=-oProxyCommand=id\n",
              "hosts.ini:1"),
      of_file("a shell for an address", "T2", f, "a ansible_host='$(id)'\n", "hosts.ini:1"),
      of_file("a template for an address", "T2", f, "a ansible_host='{{ lookup(1) }}'\n",
              "hosts.ini:1"),
      of_file("an option for a user", "T2", f, "a ansible_user=-l\n", "hosts.ini:1"),
      of_file("a port that is none", "T2", f, "a ansible_port=99999\n", "hosts.ini:1"),
      of_file("groups in a circle", "T14", f, "[a:children]\nb\n[b:children]\na\n", "hosts.ini:4"),
      of_file("ten thousand million hosts", "T13", f, "n[0:9999999999]\n", "hosts.ini:1"),
      of_file("hosts by multiplication", "T13", f, "[a:z][a:z][a:z][a:z][a:z][a:z]x\n",
              "hosts.ini:1"),
      of_file("a section that never ends", "T14", f, "[web\nx\n", "hosts.ini:1"),
      of_file("a quote that never ends", "T14", f, "a k=\"v\n", "hosts.ini:1"),
  };
}

LocalCases of_yaml() {
  const std::string f = "hosts.yml";
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 20; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 8; ++k) laughs += "," + last;
    laughs += "]\n";
  }
  std::string merges = "a0: &a0 {hosts: {h: {ansible_host: x}}}\n";
  for (int i = 1; i < 30; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    merges += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: [" + last + "," + last +
              "," + last + "]}\n";
  }
  return {
      of_file("a billion laughs, of which nothing is asked", "T13", f, laughs, "accepted"),
      of_file("merges by multiplication", "T13", f, merges, "hosts.yml"),
      of_file("a node that holds itself", "T13", f, "a: &a\n  hosts: *a\n", "hosts.yml:"),
      of_file("five thousand levels", "T13", f, std::string(5000, '['), "hosts.yml:1:"),
      of_file("an option for an address", "T2", f,
              "all: {hosts: {a: {ansible_host: '-oProxyCommand=id'}}}\n", "hosts.yml:1:"),
      of_file("an object of Python's", "T2", f,
              "all: {hosts: {a: {ansible_host: !!python/object/apply:os.system [id]}}}\n",
              "hosts.yml:1:"),
      of_file("bytes that are no UTF-8", "T11", f, "all: {hosts: {\"a\xff\": {}}}\n", "hosts.yml:"),
  };
}

LocalCases of_scripts() {
  return {
      of_script("that never ends", "T8", "sleep 30", "takes too long", endless_time),
      of_script("that never ends and closes its output", "T8", "exec >&- 2>&-; sleep 30",
                "takes too long", endless_time),
      of_script("that prints without end", "T8", "exec yes", "fleet.toml:1:1: the command"),
      of_script("that complains without end", "T8", "exec yes >&2", "fleet.toml:1:1: the command",
                endless_time),
      of_script("that fails with escapes", "T17", "printf '\\033[2J' >&2; exit 3",
                "failed with exit code 3 and said: \\x1b[2J"),
      of_script("that dies", "T8", "kill -9 $$", "fleet.toml:1:1: the command"),
      of_script("that leaves a child behind", "T8", "sleep 30 & exit 0",
                "takes too long; it was ended", endless_time),
      of_script("that prints nothing", "T14", "exit 0", "the output of"),
      of_script("that prints no JSON", "T14", "echo hello", "the output of"),
      of_script("that prints a list", "T14", "echo '[]'", "the output of"),
      of_script("that prints a text", "T14", "echo '\"x\"'", "the output of"),
      of_script("that prints half of it", "T14", "echo '{\"a\":'", "the output of"),
      of_script("that prints more after it", "T14", "echo '{} {}'", "the output of"),
      of_script("with five thousand levels", "T13",
                "i=0; while [ $i -lt 5000 ]; do printf '['; i=$((i+1)); done", "the output of"),
      of_script("with groups in a circle", "T14",
                R"(echo '{"a":{"children":["b"]},"b":{"children":["a"]}}')", "the output of"),
      of_script("with an option for an address", "T2",
                R"(echo '{"a":["h"],"_meta":{"hostvars":{"h":{"ansible_host":"-oX=y"}}}}')",
                "the output of"),
      of_script("with an escape for an address", "T17",
                R"(echo '{"a":["h"],"_meta":{"hostvars":{"h":{"ansible_host":"\u001b[2J"}}}}')",
                "\\x1b[2J"),
      of_script("with a number for a group", "T14", R"(echo '{"a":5}')", "the output of"),
      of_script("with a huge port", "T14",
                R"(echo '{"a":["h"],"_meta":{"hostvars":{"h":{"ansible_port":1e300}}}}')",
                "the output of"),
  };
}

}  // namespace

LocalCases inventory_cases() {
  LocalCases cases;
  for (auto* part : {of_ini, of_yaml, of_scripts}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
