// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.hpp"

#include "tests/fuzz/all_targets.hpp"

#include <cstdio>
#include <cstdlib>

namespace kongfleet::fuzz {

namespace {

// Written down here once more, apart from proto/printable.cpp: what escapes is judged by another's
// table.
bool hides(std::uint32_t code) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr Range hidden[] = {
      {0x7f, 0x9f},     {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},
      {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},
      {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},
      {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}};
  for (const auto& range : hidden) {
    if (code >= range.first && code <= range.last) return true;
  }
  return code < 0x20 && code != '\n';
}

}  // namespace

std::uint8_t Input::byte() {
  if (rest_.empty()) return 0;
  const auto first = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return first;
}

void require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

bool harmless(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || at + length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
      const auto next = static_cast<std::uint8_t>(text[at + i]);
      if (next < 0x80 || next > 0xbf) return false;
      code = code << 6 | (next & 0x3fU);
    }
    if (hides(code)) return false;
    at += length;
  }
  return true;
}

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {
      {"agent-toml", kongfleet_fuzz_agent_toml},
      {"allowed-signers", kongfleet_fuzz_allowed_signers},
      {"bundle", kongfleet_fuzz_bundle},
      {"content", kongfleet_fuzz_content},
      {"environment-file", kongfleet_fuzz_environment_file},
      {"error-log", kongfleet_fuzz_error_log},
      {"escaping", kongfleet_fuzz_escaping},
      {"flat-commands", kongfleet_fuzz_flat_commands},
      {"fleet-toml", kongfleet_fuzz_fleet_toml},
      {"frames", kongfleet_fuzz_frames},
      {"inventory-ini", kongfleet_fuzz_inventory_ini},
      {"inventory-json", kongfleet_fuzz_inventory_json},
      {"inventory-yaml", kongfleet_fuzz_inventory_yaml},
      {"journal", kongfleet_fuzz_journal},
      {"known-hosts", kongfleet_fuzz_known_hosts},
      {"kong-answers", kongfleet_fuzz_kong_answers},
      {"kong-conf", kongfleet_fuzz_kong_conf},
      {"lua-error", kongfleet_fuzz_lua_error},
      {"lua-source", kongfleet_fuzz_lua_source},
      {"manifest", kongfleet_fuzz_manifest},
      {"revoked-keys", kongfleet_fuzz_revoked_keys},
      {"rock", kongfleet_fuzz_rock},
      {"rockspec", kongfleet_fuzz_rockspec},
      {"ssh-config", kongfleet_fuzz_ssh_config},
      {"ssh-signature", kongfleet_fuzz_ssh_signature},
      {"to-agent", kongfleet_fuzz_to_agent},
      {"to-controller", kongfleet_fuzz_to_controller},
      {"unit-file", kongfleet_fuzz_unit_file},
  };
  return all;
}

}  // namespace kongfleet::fuzz
