// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_signature.hpp"

#include "agent/ssh_crypto.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <optional>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::string_view armor_begin = "-----BEGIN SSH SIGNATURE-----\n";
constexpr std::string_view armor_end = "-----END SSH SIGNATURE-----\n";
constexpr std::string_view signature_magic = "SSHSIG";

[[noreturn]] void fail_signature(const std::string& why) {
  throw Error("not an SSH signature: " + why);
}

// Lines of one length, the last at most as long: as ssh-keygen and other encoders break them.
std::optional<std::string> joined_lines(std::string_view text) {
  std::string joined;
  const auto width = text.find('\n');
  while (!text.empty()) {
    const auto length = text.find('\n');
    const bool last = length + 1 == text.size();
    if (length == 0 || length == std::string_view::npos) return std::nullopt;
    if (last ? length > width : length != width) return std::nullopt;
    joined += text.substr(0, length);
    text.remove_prefix(length + 1);
  }
  return joined;
}

std::string dearmored(std::string_view armored) {
  if (armored.size() > SshSignature::bytes_max)
    fail_signature("it has more than " + std::to_string(SshSignature::bytes_max) + " bytes");
  if (!armored.starts_with(armor_begin))
    fail_signature("it does not begin with the line '-----BEGIN SSH SIGNATURE-----'");
  armored.remove_prefix(armor_begin.size());
  if (!armored.ends_with(armor_end))
    fail_signature("it does not end with the line '-----END SSH SIGNATURE-----'");
  armored.remove_suffix(armor_end.size());
  const auto joined = joined_lines(armored);
  if (!joined) fail_signature("its lines are broken as none writes them");
  auto bytes = base64_decoded(*joined);
  if (!bytes || bytes->empty()) fail_signature("what it holds is not base64");
  return std::move(*bytes);
}

const char* message_digest(std::string_view hash) { return hash == "sha256" ? "SHA256" : "SHA512"; }

}  // namespace

SshSignature SshSignature::parse(std::string_view armored) {
  const auto bytes = dearmored(armored);
  SshReader reader(bytes, "not an SSH signature");
  if (reader.raw(signature_magic.size()) != signature_magic) reader.fail("has no SSHSIG in it");
  if (const auto version = reader.u32(); version != 1)
    reader.fail("is of version " + std::to_string(version) + ", not 1");
  const auto key = reader.string();
  SshSignature signature{.signer = SshSigner::parse(key, "not an SSH signature: its public key"),
                         .name_space = std::string(reader.text())};
  if (!reader.string().empty()) reader.fail("has something in a reserved place");
  signature.hash = reader.text();
  signature.blob = reader.string();
  reader.end();
  // Only these two: PROTOCOL.sshsig, section 2.
  if (signature.hash != "sha256" && signature.hash != "sha512")
    throw Error("weak algorithm: the message is hashed with '" + printable(signature.hash, 64) +
                "'; sha256 or sha512 is right");
  return signature;
}

bool SshSignature::verifies(std::string_view message) const {
  const auto signed_data = std::string(signature_magic) + ssh_string(name_space) + ssh_string("") +
                           ssh_string(hash) + ssh_string(digest_of(message_digest(hash), message));
  return signer.key.verifies(blob, signed_data);
}

}  // namespace kongfleet::agent
