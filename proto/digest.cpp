// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/digest.hpp"

#include "proto/error.hpp"

#include <openssl/evp.h>

namespace kongfleet {

namespace {

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void require(int ok) {
  if (ok != 1) throw Error("SHA-256: OpenSSL refused");
}

// Fetched once: an implicit fetch at every use triples the price of small inputs.
const EVP_MD* algorithm() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (md == nullptr) throw Error("SHA-256: OpenSSL has no such digest");
  return md;
}

}  // namespace

std::optional<Digest> Digest::parse(std::string_view hex) {
  if (hex.size() != 2 * size) return std::nullopt;
  Bytes bytes{};
  for (std::size_t i = 0; i < size; ++i) {
    const int high = nibble(hex[2 * i]);
    const int low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return Digest(bytes);
}

std::string Digest::hex() const {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (const auto byte : bytes_) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

struct Sha256::Context {
  EVP_MD_CTX* raw = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(raw); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  require(EVP_DigestInit_ex(context_->raw, algorithm(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_->raw, bytes.data(), bytes.size()));
}

Digest Sha256::finish() {
  Digest::Bytes bytes{};
  require(EVP_DigestFinal_ex(context_->raw, bytes.data(), nullptr));
  require(EVP_DigestInit_ex(context_->raw, algorithm(), nullptr));
  return Digest(bytes);
}

Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace kongfleet
