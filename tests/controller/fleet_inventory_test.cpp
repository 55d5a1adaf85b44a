// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Groups of groups, exclusions, and groups whose hosts an inventory names.
#include "controller/ansible_ini.hpp"
#include "controller/fleet_file.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

using Names = std::vector<std::string>;

const std::string head = "[fleet]\nname = \"f\"\n[inventory]\nansible = \"hosts.ini\"\n";
const std::string bare = "[fleet]\nname = \"f\"\n";

constexpr const char* inventory_text = R"([web]
web[1:3] ansible_user=admin
alias ansible_host=192.0.2.7 ansible_port=2222 ansible_ssh_common_args='-J bastion'
v6 ansible_host=2001:db8::7
[db]
db1 ansible_host="{{ elsewhere }}"
odd!name
[eu:children]
web
[nobody]
)";

Inventory fake_inventory(const InventorySource&) {
  AnsibleData data("hosts.ini");
  read_ansible_ini(inventory_text, "hosts.ini", data);
  return data.finish();
}

Fleet parse(const std::string& text) {
  return parse_fleet(text, {.path = "fleet.toml", .home = "/home/me"}, fake_inventory);
}

std::string mistake(const std::string& text) {
  return message_of([&] { parse(text); });
}

Names hosts_of(const Fleet& fleet, const std::string& name) {
  for (const auto& group : fleet.groups) {
    if (group.name == name) return group.hosts;
  }
  return {};
}

Names labels(const Fleet& fleet) {
  Names out;
  for (const auto& host : fleet.hosts) out.push_back(host.label());
  return out;
}

const FleetHost& host(const Fleet& fleet, const std::string& label) {
  for (const auto& one : fleet.hosts) {
    if (one.label() == label) return one;
  }
  throw Error("no host " + label);
}

}  // namespace

TEST_CASE("a group of groups has their hosts, and gives them what it says") {
  const auto fleet = parse(bare + R"([groups.all-edges]
groups = ["edge", "lab"]
hosts = ["extra"]
plugins = []
agent = "other connect"
[groups.edge]
hosts = ["edge-[1-3]"]
[groups.lab]
hosts = ["lab-1", "edge-1"]
)");
  CHECK(hosts_of(fleet, "all-edges") == Names{"extra", "edge-1", "edge-2", "edge-3", "lab-1"});
  CHECK(hosts_of(fleet, "lab") == Names{"lab-1", "edge-1"});
  CHECK(labels(fleet) == Names{"extra", "edge-1", "edge-2", "edge-3", "lab-1"});
  CHECK(host(fleet, "edge-1").groups == Names{"all-edges", "edge", "lab"});
  CHECK(host(fleet, "lab-1").agent_command == "other connect");
}

TEST_CASE("groups that take each other in, or a group that is nowhere, are refused") {
  CHECK(mistake(bare + "[groups.a]\ngroups = [\"b\"]\n[groups.b]\nhosts = [\"x\"]\ngroups = "
                       "[\"c\"]\n[groups.c]\ngroups = [\"a\"]\n") ==
        "fleet.toml:9:11: groups take each other in: 'a' takes in 'b' takes in 'c' takes in 'a'; "
        "leave this one out");
  CHECK(mistake(bare + "[groups.a]\ngroups = [\"a\"]\n") ==
        "fleet.toml:4:11: groups take each other in: 'a' takes in 'a'; leave this one out");
  CHECK(mistake(bare + "[groups.edge]\nhosts = [\"x\"]\n[groups.all]\ngroups = [\"egde\"]\n") ==
        "fleet.toml:6:11: there is no group 'egde'; did you mean 'edge'?");
  CHECK(mistake(bare + "[groups.a]\ngroups = []\n") ==
        "fleet.toml:4:10: found no group in [groups.a]; write groups = [\"edge\", \"lab\"]");
  std::string chain;
  for (int i = 0; i < 40; ++i) {
    chain += "[groups.g" + std::to_string(i) + "]\ngroups = [\"g" + std::to_string(i + 1) + "\"]\n";
  }
  CHECK(mistake(bare + chain + "[groups.g40]\nhosts = [\"x\"]\n")
            .ends_with("groups take in groups more than 32 deep; name the hosts' groups here"));
}

TEST_CASE("what a group excludes is not in it, and in no other group because of it") {
  const auto fleet = parse(bare + R"([groups.edge]
hosts = ["edge-[1-6]", "lab-1:2222"]
exclude = ["edge-3", "edge-[5-7]", "lab-*"]
plugins = []
[groups.all]
groups = ["edge"]
hosts = ["edge-3"]
exclude = ["edge-1"]
plugins = []
)");
  CHECK(hosts_of(fleet, "edge") == Names{"edge-1", "edge-2", "edge-4"});
  CHECK(hosts_of(fleet, "all") == Names{"edge-3", "edge-2", "edge-4"});
  CHECK(labels(fleet) == Names{"edge-1", "edge-2", "edge-4", "edge-3"});
}

TEST_CASE("an exclusion that excludes nothing is refused: it was meant to spare a host") {
  CHECK(
      mistake(bare + "[groups.g]\nhosts = [\"edge-1\"]\nplugins = []\nexclude = [\"egde-1\"]\n") ==
      "fleet.toml:6:12: found \"egde-1\" in 'exclude', which excludes no host of [groups.g]; did "
      "you mean 'edge-1'?");
  CHECK(mistake(bare + "[groups.g]\nhosts = [\"a\"]\nplugins = []\nexclude = [\"*\"]\n") ==
        "fleet.toml:6:11: 'exclude' leaves no host in [groups.g]");
}

TEST_CASE("a group of the inventory is named with an @, and its variables say how to get there") {
  const auto fleet = parse(head + R"([groups.web]
hosts = ["@eu", "own-1"]
exclude = ["web3"]
plugins = []
)");
  CHECK(hosts_of(fleet, "web") == Names{"web1", "web2", "alias", "v6", "own-1"});
  CHECK(host(fleet, "alias").reach == HostReach{"192.0.2.7", 2222, {}, {}});
  CHECK(host(fleet, "v6").reach.address == "2001:db8::7");
  CHECK(host(fleet, "web1").reach.user == "admin");
  CHECK(host(fleet, "own-1").reach == HostReach{});
  CHECK(fleet.notes ==
        Names{"hosts.ini:3:48: ansible_ssh_common_args of 'alias' is not followed: ssh_config can "
              "say the same, as with ProxyJump"});
}

TEST_CASE("a host that the fleet file names itself is reached as the inventory says, too") {
  const auto fleet = parse(head + "[groups.g]\nhosts = [\"alias\"]\nplugins = []\n");
  CHECK(host(fleet, "alias").reach.address == "192.0.2.7");
}

TEST_CASE("mistakes with the inventory's groups and hosts") {
  const auto group = [](const std::string& hosts) {
    return head + "[groups.g]\nhosts = [\"" + hosts + "\"]\nplugins = []\n";
  };
  CHECK(mistake(group("@wbe")) ==
        "fleet.toml:6:10: hosts.ini has no group 'wbe'; did you mean 'web'?");
  CHECK(mistake(group("@nobody")) == "fleet.toml:6:10: the group 'nobody' of hosts.ini is empty");
  CHECK(mistake(group("db1")) ==
        "hosts.ini:6:5: found the template \"{{ elsewhere }}\" for a host's address; kongfleet "
        "evaluates no templates: write the value, or let 'ansible-inventory --list' be the "
        "[inventory] command");
  CHECK(mistake(group("@db")) ==
        "fleet.toml:6:10: the group 'db' of hosts.ini has a host 'odd!name'; a host's name has "
        "letters, digits, '.', '-' and '_', and begins with a letter or a digit");
  CHECK(mistake(head + "[groups.web]\nplugins = []\n") ==
        "fleet.toml:5:1: [groups.web] has no 'hosts'; write hosts = [\"@web\"]");
  CHECK(mistake(head + "[groups.g]\ngroups = [\"web\"]\nplugins = []\n") ==
        "fleet.toml:6:11: there is no group 'web'; a group of the inventory is named hosts = "
        "[\"@web\"]");
  CHECK(mistake(bare + "[groups.g]\nhosts = [\"@web\"]\n") ==
        "fleet.toml:4:10: found \"@web\", a group of an inventory, and the file has no "
        "[inventory]");
}

TEST_CASE("mistakes in [inventory]") {
  const auto with = [](const std::string& lines) {
    return mistake(bare + "[inventory]\n" + lines + "[groups.g]\nhosts = [\"a\"]\nplugins = []\n");
  };
  const std::string either =
      "fleet.toml:3:1: [inventory] has either ansible = \"hosts.ini\" or command = "
      "[\"PROGRAM\", \"--list\"]";
  CHECK(with("") == either);
  CHECK(with("ansible = \"a\"\ncommand = \"b\"\n") == either);
  CHECK(with("command = \"cat x | sort\"\n") ==
        "fleet.toml:4:11: 'command': found '|', and no shell reads this command; put it in quotes, "
        "or write [\"sh\", \"-c\", \"…\"]");
  CHECK(with("command = []\n") == "fleet.toml:4:11: found no program to run in 'command'");
  CHECK(with("ansibel = \"a\"\n") ==
        "fleet.toml:4:1: unknown key 'ansibel' in [inventory]; did you mean 'ansible'?");
}

TEST_CASE("a fleet file whose other files may not be looked at has no inventory") {
  CHECK(message_of([] {
          parse_fleet(head + "[groups.g]\nhosts = [\"a\"]\n", {.path = "fleet.toml"});
        }) == "fleet.toml:4:11: found [inventory], and no other file can be read here");
}

}  // namespace kongfleet::controller
