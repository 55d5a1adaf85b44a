// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_crypto.hpp"

#include "proto/error.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>

namespace kongfleet::agent {

namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* raw) const {
    Free(raw);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyMaker = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using EcdsaPair = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

const unsigned char* octets_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

void want_libcrypto(bool good) {
  if (!good) throw Error("verify a signature: libcrypto refused");
}

BigNumber big_number(std::string_view bytes) {
  BigNumber number(BN_bin2bn(octets_of(bytes), static_cast<int>(bytes.size()), nullptr));
  want_libcrypto(number != nullptr);
  return number;
}

// Nothing where the parameters are no key, as a point that is not on its curve.
KeyHandle key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyMaker maker(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  want_libcrypto(parameters && maker && EVP_PKEY_fromdata_init(maker.get()) == 1);
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata(maker.get(), &raw, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return KeyHandle(raw);
}

KeyHandle ec_key(const EcKey& key) {
  const Builder builder(OSSL_PARAM_BLD_new());
  want_libcrypto(
      builder &&
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, key.curve, 0) &&
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, key.point.data(),
                                       key.point.size()));
  return key_from("EC", builder.get());
}

bool verified(const KeyHandle& key, const char* digest, std::string_view signature,
              std::string_view data) {
  const DigestContext context(EVP_MD_CTX_new());
  want_libcrypto(context != nullptr);
  const bool good = key != nullptr &&
                    EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr,
                                            key.get(), nullptr) == 1 &&
                    EVP_DigestVerify(context.get(), octets_of(signature), signature.size(),
                                     octets_of(data), data.size()) == 1;
  ERR_clear_error();  // a refusal leaves its reasons there, and nobody else is to find them
  return good;
}

}  // namespace

std::string digest_of(const char* name, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  std::size_t size = 0;
  want_libcrypto(EVP_Q_digest(nullptr, name, nullptr, bytes.data(), bytes.size(), out, &size) == 1);
  return {reinterpret_cast<const char*>(out), size};
}

bool ed25519_verifies(std::string_view key, std::string_view signature, std::string_view data) {
  const KeyHandle handle(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, octets_of(key), key.size()));
  return verified(handle, nullptr, signature, data);
}

bool rsa_verifies(const RsaKey& key, const char* digest, std::string_view signature,
                  std::string_view data) {
  const Builder builder(OSSL_PARAM_BLD_new());
  const auto modulus = big_number(key.modulus);
  const auto exponent = big_number(key.exponent);
  want_libcrypto(builder &&
                 OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) &&
                 OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()));
  return verified(key_from("RSA", builder.get()), digest, signature, data);
}

bool is_on_curve(const EcKey& key) {
  const bool good = ec_key(key) != nullptr;
  ERR_clear_error();
  return good;
}

bool ecdsa_verifies(const EcKey& key, const char* digest, const EcSignature& signature,
                    std::string_view data) {
  const EcdsaPair pair(ECDSA_SIG_new());
  auto r = big_number(signature.r);
  auto s = big_number(signature.s);
  want_libcrypto(pair && ECDSA_SIG_set0(pair.get(), r.get(), s.get()) == 1);
  static_cast<void>(r.release());  // the pair's now
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  want_libcrypto(size > 0);
  const std::string encoded(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return verified(ec_key(key), digest, encoded, data);
}

}  // namespace kongfleet::agent
