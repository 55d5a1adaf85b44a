// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/crafted_key_fixture.hpp"

#include "agent/ssh_crypto.hpp"
#include "agent/ssh_wire.hpp"
#include "proto/error.hpp"
#include "tests/agent/signing_fixture.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

namespace kongfleet::agent::test {

namespace {

constexpr std::string_view crafted_application = "ssh:";

std::string number_bytes(const BIGNUM* number) {
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

std::string key_number(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) throw Error("a key has no such number");
  auto bytes = number_bytes(number);
  BN_free(number);
  return bytes;
}

std::string key_octets(const EVP_PKEY* key) {
  unsigned char bytes[256];
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes, sizeof bytes, &size) !=
      1)
    throw Error("a key has no public half");
  return {reinterpret_cast<const char*>(bytes), size};
}

// SSH writes r and s where libcrypto writes DER.
std::string as_ssh_numbers(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  const auto numbers = wire_mpint(number_bytes(ECDSA_SIG_get0_r(pair))) +
                       wire_mpint(number_bytes(ECDSA_SIG_get0_s(pair)));
  ECDSA_SIG_free(pair);
  return numbers;
}

}  // namespace

std::string wire_u32(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
  return out;
}

std::string wire_mpint(std::string_view magnitude) {
  const bool high = !magnitude.empty() && (static_cast<unsigned char>(magnitude[0]) & 0x80) != 0;
  return ssh_string((high ? std::string(1, '\0') : "").append(magnitude));
}

std::string Envelope::armored() const {
  return with_armor("SSHSIG" + wire_u32(version) + ssh_string(key) + ssh_string(name_space) +
                    ssh_string(reserved) + ssh_string(hash) + ssh_string(signature) + trailing);
}

std::string Envelope::to_sign(std::string_view message) const {
  return "SSHSIG" + ssh_string(name_space) + ssh_string("") + ssh_string(hash) +
         ssh_string(digest_of(hash.c_str(), message));
}

struct CraftedKey::Key {
  EVP_PKEY* raw;
};

CraftedKey::CraftedKey(Kind kind)
    : kind_(kind),
      key_(std::make_unique<Key>(Key{kind == Kind::SecurityEd25519
                                         ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                     : kind == Kind::SecurityEcdsa ? EVP_EC_gen("P-256")
                                                                   : EVP_RSA_gen(2048)})) {
  if (key_->raw == nullptr) throw Error("libcrypto makes no key");
}

CraftedKey::~CraftedKey() { EVP_PKEY_free(key_->raw); }

std::string CraftedKey::type() const {
  switch (kind_) {
    case Kind::SecurityEd25519:
      return "sk-ssh-ed25519@openssh.com";
    case Kind::SecurityEcdsa:
      return "sk-ecdsa-sha2-nistp256@openssh.com";
    case Kind::Rsa:
      break;
  }
  return "ssh-rsa";
}

std::string CraftedKey::blob() const {
  if (kind_ == Kind::Rsa)
    return ssh_string(type()) + wire_mpint(key_number(key_->raw, OSSL_PKEY_PARAM_RSA_E)) +
           wire_mpint(key_number(key_->raw, OSSL_PKEY_PARAM_RSA_N));
  const auto curve = kind_ == Kind::SecurityEcdsa ? ssh_string("nistp256") : "";
  return ssh_string(type()) + curve + ssh_string(key_octets(key_->raw)) +
         ssh_string(crafted_application);
}

std::string CraftedKey::public_key() const {
  auto base64 = base64_unpadded(blob());
  base64.append((4 - base64.size() % 4) % 4, '=');
  return type() + " " + base64;
}

std::string CraftedKey::raw_signature(const char* digest, std::string_view data) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  unsigned char bytes[512];
  std::size_t size = sizeof bytes;
  const bool good =
      EVP_DigestSignInit_ex(context, nullptr, digest, nullptr, nullptr, key_->raw, nullptr) == 1 &&
      EVP_DigestSign(context, bytes, &size, reinterpret_cast<const unsigned char*>(data.data()),
                     data.size()) == 1;
  EVP_MD_CTX_free(context);
  if (!good) throw Error("libcrypto does not sign");
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string CraftedKey::sign(std::string_view data) const {
  if (kind_ == Kind::Rsa) return ssh_string(algorithm) + ssh_string(raw_signature("SHA1", data));
  const auto counted = static_cast<char>(flags) + wire_u32(counter);
  const auto real_data =
      digest_of("SHA256", crafted_application) + counted + digest_of("SHA256", data);
  const auto signature = kind_ == Kind::SecurityEcdsa
                             ? as_ssh_numbers(raw_signature("SHA256", real_data))
                             : raw_signature(nullptr, real_data);
  return ssh_string(type()) + ssh_string(signature) + counted;
}

std::string CraftedKey::armored(const std::string& message, Envelope envelope) const {
  envelope.key = blob();
  envelope.signature = sign(envelope.to_sign(message));
  return envelope.armored();
}

}  // namespace kongfleet::agent::test
