// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// What each reads is its name; what must hold is at its definition.
int kongfleet_fuzz_agent_toml(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_allowed_signers(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_bundle(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_content(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_environment_file(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_error_log(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_escaping(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_flat_commands(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_fleet_toml(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_frames(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_inventory_ini(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_inventory_json(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_inventory_yaml(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_journal(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_known_hosts(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_kong_answers(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_kong_conf(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_lua_error(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_lua_source(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_manifest(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_revoked_keys(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_rock(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_rockspec(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_ssh_config(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_ssh_signature(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_to_agent(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_to_controller(const std::uint8_t* data, std::size_t size);
int kongfleet_fuzz_unit_file(const std::uint8_t* data, std::size_t size);
