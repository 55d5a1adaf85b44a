// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/inventory_source.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

/// Inventories in a directory of their own; messages come without its path.
struct Inventories {
  ScratchDirectory scratch;

  Inventory load(const std::string& name) const {
    return load_inventory({.where = "fleet.toml:4:11", .file = scratch.path() / name});
  }
  std::string mistake(const std::string& name, const std::string& text) const {
    scratch.write(name, text);
    return without_path(message_of([&] { load(name); }));
  }
  std::string failure(const std::string& script, std::chrono::milliseconds timeout = 30s) const {
    InventorySource source{.where = "fleet.toml:4:11", .command = {"sh", "-c", script}};
    source.timeout = timeout;
    return without_path(message_of([&] { load_inventory(source); }));
  }
  Inventory print(const std::string& text) const {
    const auto path = scratch.write("printed", text);
    return load_inventory({.where = "fleet.toml:4:11", .command = {"cat", path.string()}});
  }
  std::string without_path(const std::string& text) const {
    return replaced(text, scratch.path().string() + "/", "");
  }
};

}  // namespace

TEST_CASE("an inventory in INI: groups, children, ranges, and whose variable counts") {
  const Inventories here;
  here.scratch.write("hosts", R"(; a comment
lone:2222
[web]
web[01:03] ansible_host=10.0.0.1 # first
  web7 ansible_user='some one'
[prod:children]
web
db
[db]
db-[a:c]
[prod:vars]
ansible_user = "prod"  # kept
[web:vars]
ansible_user=web
)");
  const auto inventory = here.load("hosts");
  CHECK(inventory.groups.at("prod") ==
        Names{"web01", "web02", "web03", "web7", "db-a", "db-b", "db-c"});
  CHECK(inventory.groups.at("ungrouped") == Names{"lone"});
  CHECK(inventory.groups.at("all").size() == 8);
  CHECK(inventory.reach("lone").port == 2222);
  CHECK(inventory.reach("web02") == HostReach{"10.0.0.1", {}, "web", {}});
  CHECK(inventory.reach("db-a").user == "prod");
  CHECK(here.without_path(message_of([&] { (void)inventory.reach("web7"); })) ==
        "hosts:5:8: found \"some one\" as a user; it has letters, digits, '_', '-' and '.', and "
        "begins with none of the last two");
}

TEST_CASE("an inventory in YAML, and the variables in files beside it") {
  const Inventories here;
  here.scratch.write("inventory.yml", R"(all:
  vars: &common {ansible_user: ops}
  children:
    web:
      hosts:
        web[1:2]:
        alias: {<<: *common, ansible_host: 192.0.2.7}
      vars: {ansible_port: 2200}
)");
  here.scratch.write("group_vars/web.yml", "ansible_port: 2201\n");
  here.scratch.write("group_vars/all/10-all.yaml", "ansible_private_key_file: ~/.ssh/ops\n");
  here.scratch.write("host_vars/web2", "ansible_user: two\n");
  here.scratch.write("host_vars/alias.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n");
  const auto inventory = here.load("inventory.yml");
  CHECK(inventory.reach("web1") == HostReach{"", 2201, "ops", {"~/.ssh/ops"}});
  CHECK(inventory.reach("web2").user == "two");
  CHECK(inventory.reach("alias").address == "192.0.2.7");
  REQUIRE(inventory.notes.size() == 1);
  CHECK(here.without_path(inventory.notes[0]) ==
        "host_vars/alias.yml: is encrypted; what it says of hosts is not known");
}

TEST_CASE("a command's JSON: groups as lists or objects, variables in _meta") {
  const Inventories here;
  const auto inventory = here.print(R"({"web": ["w1", "w2"], "old": {"ansible_port": 5},
    "prod": {"children": ["web"], "vars": {"ansible_user": "p"}},
    "_meta": {"hostvars": {"w1": {"ansible_host": "192.0.2.1", "ansible_port": 22}}}})");
  CHECK(inventory.groups.at("prod") == Names{"w1", "w2"});
  CHECK(inventory.groups.at("old") == Names{"old"});
  CHECK(inventory.reach("w1") == HostReach{"192.0.2.1", 22, "p", {}});
  CHECK(inventory.reach("w2").user == "p");
  CHECK(here.print(R"({"web": ["w1"]})").notes.size() == 1);
}

TEST_CASE("mistakes in an INI inventory, each with its place") {
  const Inventories here;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[web\nx",
       "hosts.ini:1:1: found '[web' as a host, and its brackets do not match; a range is "
       "written web[01:20]"},
      {"a\n  [we b]\n",
       "hosts.ini:2:3: found '[we b]' as a section; it is written [GROUP], "
       "[GROUP:children] or [GROUP:vars], without spaces"},
      {"[web:childern]\n",
       "hosts.ini:1:6: found 'childern' as the kind of a section; did you mean "
       "'children'?"},
      {"[web:vars]\na=1\n",
       "hosts.ini:1:1: found [web:vars] for a group that is nowhere declared; "
       "declare it with a line [web]"},
      {"[web]\n[prod:children]\nwbe\n",
       "hosts.ini:3:1: found the child 'wbe' of 'prod', which is "
       "nowhere declared; did you mean 'web'?"},
      {"[a:children]\nb\n[b:children]\na\n",
       "hosts.ini:4:1: the group 'a' would be among its own "
       "children, by way of 'b'; leave it out of one of them"},
      {"web[3:1]\n",
       "hosts.ini:1:5: the range '[3:1]' counts down; a range is written [01:20], "
       "[a:f] or [0:20:5]"},
      {"web[1:999999]\n",
       "hosts.ini:1:5: the range '[1:999999]' makes it 999999 hosts or more, and "
       "one entry may name 10000; a range is written [01:20], [a:f] or [0:20:5]"},
      {"web stray\n",
       "hosts.ini:1:5: found 'stray' behind a host; variables are written key=value"},
      {"web a='b\n", "hosts.ini:1:7: the quote is not closed"},
      {"web:99999\n", "hosts.ini:1:5: found '99999' as a port; a port is a number from 1 to 65535"},
  };
  for (const auto& [text, message] : cases) {
    INFO(text);
    CHECK(here.mistake("hosts.ini", text) == message);
  }
}

TEST_CASE("mistakes in a YAML inventory, each with its place") {
  const Inventories here;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "h.yml: the file is empty"},
      {"- a\n", "h.yml:1:1: found a list; an inventory is a mapping of groups"},
      {"web:\n\thosts:\n",
       "h.yml:2:1: not YAML: while scanning for the next token, found character "
       "that cannot start any token"},
      {"web:\n  hosts: [a, b]\n",
       "h.yml:2:10: found a list for 'hosts'; it is a mapping: one name "
       "on a line, and ':' behind it"},
      {"12:\n  hosts:\n",
       "h.yml:1:1: found '12' as the name of a group, which YAML takes for no "
       "text; write it in quotes"},
      {"plugin: aws_ec2\n",
       "h.yml:1:1: this configures a plugin of Ansible, which only Ansible can "
       "run; write command = \"ansible-inventory -i FILE --list\" in "
       "[inventory]"},
      {"a: &x {hosts: *x}\n", "h.yml:1:15: found the alias '*x' inside of what it stands for"},
      {"a: *y\n", "h.yml:1:4: found the alias '*y', and no '&y' before it"},
      {"a:\n---\nb:\n", "h.yml:2:1: found a second document; the file has one"},
  };
  for (const auto& [text, message] : cases) {
    INFO(text);
    CHECK(here.mistake("h.yml", text) == message);
  }
}

TEST_CASE("a small YAML file that means a huge one ends early, in bounded memory") {
  const Inventories here;
  std::string laughs = "a0: &a0 {hosts: {h: {ansible_port: 1}}}\n";
  std::string merges = "m0: &m0 {ansible_port: 1}\n";
  for (int i = 1; i < 9; ++i) {
    const auto number = std::to_string(i);
    const auto before = std::to_string(i - 1);
    laughs += "a" + number + ": &a" + number + " {children: {";
    merges += "m" + number + ": &m" + number + " {<<: [";
    for (int j = 0; j < 9; ++j) {
      laughs += "c" + number + std::to_string(j) + ": *a" + before + ", ";
      merges += "*m" + before + ", ";
    }
    laughs += "}}\n";
    merges += "]}\n";
  }
  const std::string too_much = "aliases make this file mean more than 2000000 values";
  CHECK(here.mistake("h.yml", laughs).ends_with(too_much));
  CHECK(here.mistake("h.yml", merges).ends_with(too_much));
  CHECK(here.mistake("h.yml", "a: " + std::string(5000, '[') + "\n")
            .ends_with("found values more than 64 levels deep"));
  CHECK(here.mistake("h.yml", "a: " + std::string(5000, '{') + "\n").ends_with("levels deep"));
}

TEST_CASE("what else an inventory can't be is told with what to do") {
  const Inventories here;
  CHECK(here.mistake("inv", "#!/bin/sh\necho {}\n") ==
        "fleet.toml:4:11: 'inv' is a program; write command = [\"inv\", \"--list\"] instead of "
        "ansible");
  CHECK(here.mistake("inv.toml", "[web]\n") ==
        "fleet.toml:4:11: 'inv.toml' is TOML; an inventory is read as INI or YAML");
  CHECK(here.without_path(message_of([&] { here.load("none.ini"); })) ==
        "fleet.toml:4:11: read inventory 'none.ini': there is no such file");
  CHECK(here.without_path(message_of([&] { here.load("."); })).find("is a directory") !=
        std::string::npos);
}

TEST_CASE("a command that fails, prints no JSON or takes too long is told with what it said") {
  const Inventories here;
  CHECK(
      here.failure("echo no cloud today >&2; exit 3") ==
      "fleet.toml:4:11: the command 'sh -c echo no cloud today >&2; exit 3' failed with exit code "
      "3 and said: no cloud today");
  CHECK(here.failure("sleep 60", 50ms) ==
        "fleet.toml:4:11: the command 'sh -c sleep 60': 'sh' takes too long; it was ended");
  CHECK(here.failure("exec >&- 2>&-; sleep 60", 50ms).ends_with("it was ended"));
  CHECK(here.failure("printf '{\\n  \"a\": tru }'") ==
        "the output of 'sh -c printf '{\\n  \"a\": tru }'':2:8: not JSON: syntax error");
  CHECK(
      here.failure("echo '[1]'") ==
      "the output of 'sh -c echo '[1]'': found a list; it is an object with a key for each group");
  CHECK(here.failure("echo '{\"a\": 7}'")
            .ends_with("hosts of the group 'a': found a number; it is "
                       "a list of names"));
  CHECK(here.failure("echo '{\"a\":' && yes [ | head -200").find("not JSON") != std::string::npos);
}

}  // namespace kongfleet::controller
