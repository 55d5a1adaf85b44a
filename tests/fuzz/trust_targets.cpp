// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// What decides who may bring code to a host.
#include "agent/allowed_signers.hpp"
#include "agent/release_trust.hpp"
#include "agent/revoked_keys.hpp"
#include "agent/ssh_pattern.hpp"
#include "agent/ssh_signature.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace kongfleet::fuzz;

namespace {

constexpr std::time_t some_day = 1780315200;  // 2026-06-01T12:00:00Z
constexpr std::string_view message = "plugin: acme 1.2\n";
constexpr std::string_view key_line =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYDvwayiMKl83871JJSP9yimheUapKW3sFhFXKrZgZP";
// Of `message`, by that key: by the hash that ssh-keygen takes, and by the other that it can take.
constexpr std::array<std::string_view, 2> signatures = {
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgNgO/BrKIwqXzfzvUklI/3KKaF5\n"
    "RqkpbewWEVcqtmBk8AAAAUa29uZ2ZsZWV0LXJlbGVhc2UtdjEAAAAAAAAABnNoYTUxMgAA\n"
    "AFMAAAALc3NoLWVkMjU1MTkAAABAd8047s95UAomJr6Dz9j0IzoYjnpgNi0zo5RhVnhpKV\n"
    "cDL14elS1Di7tqRPgBDd9IbIZIdePAU3S3e1XLm0/yCg==\n"
    "-----END SSH SIGNATURE-----\n",
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgNgO/BrKIwqXzfzvUklI/3KKaF5\n"
    "RqkpbewWEVcqtmBk8AAAAUa29uZ2ZsZWV0LXJlbGVhc2UtdjEAAAAAAAAABnNoYTI1NgAA\n"
    "AFMAAAALc3NoLWVkMjU1MTkAAABAXGa8LyATQLUjv55aqTdOgIzFeuSs6SnybSHXz1IIny\n"
    "NhZo6qZz2w+qbxmiNSmH53ephTXWxmipuNS5sLq3bbAg==\n"
    "-----END SSH SIGNATURE-----\n"};

std::string_view text_of_trust(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::string why_untrusted(std::string_view text, std::string_view armored) {
  const auto allowed = "ops@example.com " + std::string(key_line) + "\n";
  try {
    require_trusted({text, armored},
                    {.allowed_signers = {"allowed_signers", allowed}, .revoked_keys = {}},
                    some_day);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string base64_of(std::string_view armored) {
  std::string joined;
  while (!armored.empty()) {
    const auto line = armored.substr(0, armored.find('\n'));
    armored.remove_prefix(std::min(line.size() + 1, armored.size()));
    if (!line.starts_with("-----")) joined += line;
  }
  return joined;
}

const SshSigner& signer_of_fuzz() {
  static const auto signer = SshSignature::parse(signatures.front()).signer;
  return signer;
}

void look_at_signer(const SshSigner& signer) {
  require(harmless(signer.text()), "a signer's name is harmless");
  if (!signer.certificate) return;
  may_refuse([&] { signer.certificate->check_issued(); });
}

}  // namespace

// Nobody makes a signature without the key: what is accepted is what the key's holder wrote, and
// what is no signature of a text is never one of another.
int kongfleet_fuzz_ssh_signature(const std::uint8_t* data, std::size_t size) {
  static const bool known_are_good =
      std::all_of(signatures.begin(), signatures.end(),
                  [](std::string_view known) { return why_untrusted(message, known).empty(); });
  require(known_are_good, "what the key's holder wrote is good");
  const auto armored = text_of_trust(data, size);
  require(!why_untrusted("plugin: acme 1.3\n", armored).empty(), "another text is not signed");
  if (why_untrusted(message, armored).empty()) {
    const auto is_known = [&](std::string_view known) {
      return base64_of(known) == base64_of(armored);
    };
    require(std::any_of(signatures.begin(), signatures.end(), is_known), "nothing else is good");
  }
  may_refuse([&] {
    const auto signature = SshSignature::parse(armored);
    look_at_signer(signature.signer);
    static_cast<void>(signature.verifies(message));
  });
  return 0;
}

// Who is not in a file may not sign, whatever else is in it; no line takes anybody.
int kongfleet_fuzz_allowed_signers(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] {
    const auto allowed = AllowedSigners::parse(text_of_trust(data, size), "allowed_signers");
    const auto& stranger = signer_of_fuzz();
    bool is_in_it = false;
    for (const auto& line : allowed.lines()) {
      require(!pattern_list_matches("-", line.principals), "nobody is anybody");
      is_in_it = is_in_it || (line.key == stranger.key && !line.options.cert_authority);
    }
    require(!allowed.lines().empty(), "somebody may sign");
    may_refuse([&] {
      const auto principals = allowed.principals_of(stranger, some_day);
      require(is_in_it && !principals.empty(), "a stranger may not sign");
    });
  });
  return 0;
}

// It fails closed: no list is good that ends early; and a key on a line of its own is revoked,
// whatever lines stand before it.
int kongfleet_fuzz_revoked_keys(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of_trust(data, size);
  const bool is_list = bytes.starts_with("SSHKRL");
  const auto& signer = signer_of_fuzz();
  may_refuse([&] {
    const auto revoked = RevokedKeys::parse(bytes, "revoked_keys");
    require(harmless(revoked.why_revoked(signer)), "a reason is harmless");
    if (is_list) {
      bool shorter_is_good = true;
      try {
        RevokedKeys::parse(bytes.substr(0, bytes.size() - 1), "shorter");
      } catch (const Error&) {
        shorter_is_good = false;
      }
      require(!shorter_is_good, "a list that ends early is none");
      return;
    }
    const auto longer = std::string(bytes) + "\n" + std::string(key_line) + "\n";
    require(!RevokedKeys::parse(longer, "longer").why_revoked(signer).empty(),
            "a revoked key is revoked");
  });
  may_refuse([&] { look_at_signer(SshSigner::parse(bytes, "a key")); });
  return 0;
}
