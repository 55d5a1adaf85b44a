// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_key.hpp"

#include "agent/ssh_crypto.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <bit>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::size_t rsa_bits_min = 2048;  // NIST SP 800-131A; ssh-keygen itself still takes 1024
constexpr std::size_t ed25519_bytes = 32;
constexpr char user_present_flag = 0x01;  // PROTOCOL.u2f: the flag "user present"

enum class KeyKind { Ed25519, Ecdsa, Rsa };

struct KeyAlgorithm {
  std::string_view name;
  KeyKind kind;
  bool security_key = false;
  std::string_view curve = {};       // RFC 5656, section 10.1
  const char* curve_name = nullptr;  // what libcrypto calls it
  const char* digest = nullptr;      // RFC 5656, section 6.2.1
  std::size_t coordinate_bytes = 0;
};

constexpr KeyAlgorithm key_algorithms[] = {
    {"ssh-ed25519", KeyKind::Ed25519},
    {"ssh-rsa", KeyKind::Rsa},
    {"ecdsa-sha2-nistp256", KeyKind::Ecdsa, false, "nistp256", "P-256", "SHA256", 32},
    {"ecdsa-sha2-nistp384", KeyKind::Ecdsa, false, "nistp384", "P-384", "SHA384", 48},
    {"ecdsa-sha2-nistp521", KeyKind::Ecdsa, false, "nistp521", "P-521", "SHA512", 66},
    {"sk-ssh-ed25519@openssh.com", KeyKind::Ed25519, true},
    {"sk-ecdsa-sha2-nistp256@openssh.com", KeyKind::Ecdsa, true, "nistp256", "P-256", "SHA256", 32},
};

const KeyAlgorithm* find_algorithm(std::string_view name) {
  for (const auto& algorithm : key_algorithms)
    if (algorithm.name == name) return &algorithm;
  return nullptr;
}

struct KeyFields {
  std::string_view point;  // or the Ed25519 key
  std::string_view exponent;
  std::string_view modulus;
  std::string_view application;
};

std::size_t bit_count(std::string_view positive) {
  return positive.size() * 8 -
         static_cast<std::size_t>(std::countl_zero(static_cast<std::uint8_t>(positive[0])));
}

KeyFields read_rsa(SshReader& reader) {
  KeyFields fields;
  fields.exponent = reader.positive();
  fields.modulus = reader.positive();
  if (const auto bits = bit_count(fields.modulus); bits < rsa_bits_min)
    reader.fail("weak algorithm: an RSA key of " + std::to_string(bits) + " bits; at least " +
                std::to_string(rsa_bits_min) + " are needed");
  return fields;
}

KeyFields read_fields(const KeyAlgorithm& algorithm, SshReader& reader) {
  if (algorithm.kind == KeyKind::Rsa) return read_rsa(reader);
  KeyFields fields;
  if (algorithm.kind == KeyKind::Ecdsa && reader.string() != algorithm.curve)
    reader.fail("has another curve than its type says");
  fields.point = reader.string();
  const bool whole = algorithm.kind == KeyKind::Ed25519
                         ? fields.point.size() == ed25519_bytes
                         : fields.point.size() == 1 + 2 * algorithm.coordinate_bytes &&
                               fields.point[0] == '\x04';  // SEC 1: not compressed
  const bool sound = whole && (algorithm.kind == KeyKind::Ed25519 ||
                               is_on_curve({algorithm.curve_name, fields.point}));
  if (!sound) reader.fail("has no key of its type");
  if (algorithm.security_key) fields.application = reader.text();
  return fields;
}

[[noreturn]] void fail_as_other(std::string_view key, std::string_view signature) {
  throw Error("not an SSH signature: it is by '" + printable(signature, 64) + "', which no " +
              std::string(key) + " key makes");
}

const char* rsa_digest(std::string_view name) {
  // RFC 8332, section 3.
  if (name == "rsa-sha2-256") return "SHA256";
  if (name == "rsa-sha2-512") return "SHA512";
  if (name == "ssh-rsa")
    throw Error("weak algorithm: an RSA signature over SHA-1 (ssh-rsa); rsa-sha2-512 is right");
  fail_as_other("ssh-rsa", name);
}

// What a security key signs instead of the data: PROTOCOL.u2f, "SSH U2F Signatures".
std::string security_key_data(const KeyFields& key, std::string_view counted,
                              std::string_view data) {
  return digest_of("SHA256", key.application).append(counted) + digest_of("SHA256", data);
}

bool ecdsa_blob_verifies(const KeyAlgorithm& algorithm, const KeyFields& key,
                         std::string_view signature, std::string_view data) {
  SshReader numbers(signature, "not an SSH signature");
  EcSignature pair;
  pair.r = numbers.positive();
  pair.s = numbers.positive();
  numbers.end();
  return ecdsa_verifies({algorithm.curve_name, key.point}, algorithm.digest, pair, data);
}

}  // namespace

SshKey::SshKey(std::string algorithm, std::string blob)
    : algorithm_(std::move(algorithm)), blob_(std::move(blob)) {}

SshKey SshKey::read(std::string_view name, SshReader& reader) {
  if (name == "ssh-dss") reader.fail("weak algorithm: a DSA key (ssh-dss)");
  const auto* algorithm = find_algorithm(name);
  if (algorithm == nullptr) reader.fail("has a key of unknown type '" + printable(name, 64) + "'");
  auto whole = reader;
  read_fields(*algorithm, reader);
  const auto fields = whole.raw(whole.size() - reader.size());
  return {std::string(name), ssh_string(name).append(fields)};
}

SshKey SshKey::parse(std::string_view blob, const std::string& what) {
  SshReader reader(blob, what);
  const auto name = reader.text();
  auto key = read(name, reader);
  reader.end();
  return key;
}

std::string SshKey::fingerprint_of(std::string_view blob) {
  return "SHA256:" + base64_unpadded(digest_of("SHA256", blob));
}

bool SshKey::verifies(std::string_view signature, std::string_view data) const {
  SshReader blob(blob_, "a key");
  const auto& algorithm = *find_algorithm(blob.text());
  const auto key = read_fields(algorithm, blob);

  SshReader reader(signature, "not an SSH signature");
  const auto name = reader.text();
  const auto bytes = reader.string();
  const auto counted = algorithm.security_key ? reader.raw(5) : std::string_view();
  reader.end();
  if (algorithm.kind == KeyKind::Rsa)
    return rsa_verifies({key.exponent, key.modulus}, rsa_digest(name), bytes, data);
  if (name != algorithm.name) fail_as_other(algorithm.name, name);

  std::string authenticated;
  if (algorithm.security_key) {
    if ((counted[0] & user_present_flag) == 0)
      throw Error("nobody touched the security key " + fingerprint() + " for this signature");
    authenticated = security_key_data(key, counted, data);
    data = authenticated;
  }
  return algorithm.kind == KeyKind::Ed25519 ? ed25519_verifies(key.point, bytes, data)
                                            : ecdsa_blob_verifies(algorithm, key, bytes, data);
}

}  // namespace kongfleet::agent
