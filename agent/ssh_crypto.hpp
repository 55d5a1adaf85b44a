// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace kongfleet::agent {

/// The mathematics of libcrypto (OpenSSL 3), apart from SSH's encodings. Each of these throws Error
/// when the library itself fails, and answers no for a key or signature that cannot be.

/// The digest of `bytes`, by OpenSSL's name of it: "SHA256".
std::string digest_of(const char* name, std::string_view bytes);

bool ed25519_verifies(std::string_view key, std::string_view signature, std::string_view data);

/// RSASSA-PKCS1-v1_5; modulus and exponent most significant byte first.
struct RsaKey {
  std::string_view exponent;
  std::string_view modulus;
};
bool rsa_verifies(const RsaKey& key, const char* digest, std::string_view signature,
                  std::string_view data);

/// ECDSA on a curve by OpenSSL's name of it ("P-256"); `point` is uncompressed.
struct EcKey {
  const char* curve;
  std::string_view point;
};
/// Whether the point is one of the curve's.
bool is_on_curve(const EcKey& key);
struct EcSignature {
  std::string_view r;
  std::string_view s;
};
bool ecdsa_verifies(const EcKey& key, const char* digest, const EcSignature& signature,
                    std::string_view data);

}  // namespace kongfleet::agent
