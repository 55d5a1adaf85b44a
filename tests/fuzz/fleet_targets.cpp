// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_data.hpp"
#include "controller/ansible_ini.hpp"
#include "controller/ansible_json.hpp"
#include "controller/ansible_yaml.hpp"
#include "controller/bundle.hpp"
#include "controller/fleet_file.hpp"
#include "controller/known_hosts.hpp"
#include "controller/lua_handler.hpp"
#include "controller/selector.hpp"
#include "controller/ssh_config.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace kongfleet;
using namespace kongfleet::controller;
using namespace kongfleet::fuzz;

namespace {

std::string_view text_of_input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What ssh would take for an option, and a shell for more than a name.
bool sound_host(const std::string& name) {
  return !name.empty() && name.front() != '-' &&
         name.find_first_of(" \t\n\r\"'`$&|;<>(){}\\*?!#/") == std::string::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

void look_at(const Inventory& inventory) {
  require(inventory.groups.contains("all"), "all hosts are in 'all'");
  std::vector<std::string> names;
  for (const auto& host : inventory.hosts) {
    names.push_back(host.first);
    may_refuse([&] {
      const auto reach = inventory.reach(host.first);
      require(reach.address.empty() || sound_host(reach.address), "an address is one");
    });
  }
  static_cast<void>(unfollowed(inventory, names));
}

using Reader = void (*)(std::string_view, const std::string&, AnsibleData&);

int read_inventory(Reader reader, std::string_view text) {
  may_refuse([&] {
    AnsibleData inventory("hosts");
    reader(text, "hosts", inventory);
    look_at(inventory.finish());
  });
  return 0;
}

}  // namespace

// Of a fleet that was read, no host can be mistaken for an option or a piece of shell (T2).
int kongfleet_fuzz_fleet_toml(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] {
    const auto fleet =
        parse_fleet(text_of_input(data, size), {.path = "fleet.toml", .home = "/root"});
    for (const auto& host : fleet.hosts) {
      require(sound_host(host.name), "a host's name is one");
      require(!select_hosts(fleet, {host.label()}).empty(), "a host can be chosen by its label");
      for (const auto& name : host.plugins) static_cast<void>(fleet.plugin(name));
      for (const auto& name : host.probes) static_cast<void>(fleet.probe(name));
    }
    static_cast<void>(fleet.hosts.empty() || select_hosts(fleet, {}).size() == fleet.hosts.size());
  });
  return 0;
}

int kongfleet_fuzz_inventory_ini(const std::uint8_t* data, std::size_t size) {
  return read_inventory(read_ansible_ini, text_of_input(data, size));
}

int kongfleet_fuzz_inventory_yaml(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] {
    read_ansible_variables(text_of_input(data, size), "vars",
                           [](const std::string&, const InventoryValue&) {});
  });
  return read_inventory(read_ansible_yaml, text_of_input(data, size));
}

int kongfleet_fuzz_inventory_json(const std::uint8_t* data, std::size_t size) {
  return read_inventory(read_ansible_json, text_of_input(data, size));
}

// A bundle that was read is, written again, one that is read as the same.
int kongfleet_fuzz_bundle(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] {
    const auto release = parse_bundle(std::string(text_of_input(data, size)), "fuzz");
    const auto& files = release.manifest.files();
    require(release.contents.size() == files.size(), "every file has its content");
    for (std::size_t i = 0; i < files.size(); ++i)
      require(sha256(release.contents[i]) == files[i].digest, "a content has its digest");
    const auto again = parse_bundle(bundle_bytes(release), "again");
    require(again.manifest.text() == release.manifest.text() && again.contents == release.contents,
            "a bundle goes there and back");
  });
  return 0;
}

int kongfleet_fuzz_known_hosts(const std::uint8_t* data, std::size_t size) {
  KnownHosts known;
  known.add(text_of_input(data, size), "known_hosts");
  const auto stranger = HostKey::parse(
      "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  require(stranger.has_value(), "the test's own key is one");
  for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{2222}}) {
    const auto found = known.find("edge-01", port);
    const auto refusal = known.refusal(found, *stranger);
    const bool on_file =
        std::any_of(found.entries.begin(), found.entries.end(), [&](const KnownHostsEntry* entry) {
          return entry->marker == KnownHostsEntry::Marker::Key && entry->key.blob == stranger->blob;
        });
    require(on_file || refusal.has_value(), "a key that is not on file is refused");
    require(!refusal || harmless(*refusal), "a refusal is harmless");
  }
  for (const auto& problem : known.problems())
    require(harmless(problem.why), "a problem's text is harmless");
  return 0;
}

int kongfleet_fuzz_ssh_config(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of_input(data, size);
  const SshConfig::Files files{
      .read = [&](const std::string&) { return std::optional(std::string(text)); },
      .match = [](const std::string& pattern) { return std::vector<std::string>{pattern}; }};
  may_refuse([&] {
    SshConfig config;
    config.add(text, "config", "/root/.ssh", files);
    for (const char* host : {"edge-01", "-oProxyCommand=x", ""})
      static_cast<void>(config.find(host));
  });
  return 0;
}

int kongfleet_fuzz_lua_source(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] { static_cast<void>(handler_version(text_of_input(data, size))); });
  return 0;
}
