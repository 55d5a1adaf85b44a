// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_hash.hpp"

#include "proto/error.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

namespace kongfleet::controller {
namespace {

using Bytes = std::array<unsigned char, EVP_MAX_MD_SIZE>;

struct ContextDelete {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct DigestDelete {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};

/// One algorithm, looked up once: EVP_sha1() would search the providers at every use, three times
/// the cost for short texts.
class Digest {
public:
  explicit Digest(const char* name)
      : digest_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    if (!digest_ || !context_) throw Error(std::string("setting up the digest ") + name);
  }

  std::string of(std::string_view first, std::string_view second) {
    Bytes out{};
    unsigned int length = 0;
    if (EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), first.data(), first.size()) != 1 ||
        EVP_DigestUpdate(context_.get(), second.data(), second.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), out.data(), &length) != 1) {
      throw Error("computing a digest");
    }
    return {out.begin(), out.begin() + length};
  }

private:
  std::unique_ptr<EVP_MD, DigestDelete> digest_;
  std::unique_ptr<EVP_MD_CTX, ContextDelete> context_;
};

constexpr std::size_t sha1_block = 64;

}  // namespace

std::string sha256_bytes(std::string_view bytes) {
  thread_local Digest digest("SHA256");
  return digest.of(bytes, {});
}

std::string hmac_sha1(std::string_view key, std::string_view text) {
  thread_local Digest digest("SHA1");
  if (key.size() > sha1_block) throw Error("an HMAC key is longer than a block");
  std::string inner(sha1_block, '\x36');
  std::string outer(sha1_block, '\x5c');
  for (std::size_t i = 0; i < key.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ key[i]);
    outer[i] = static_cast<char>(outer[i] ^ key[i]);
  }
  return digest.of(outer, digest.of(inner, text));
}

std::string hex_encoded(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4U];
    hex += digits[byte & 15U];
  }
  return hex;
}

std::string base64_encoded(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned int group = 0;
    const std::size_t taken = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < taken ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= taken ? alphabet[(group >> (18 - 6 * k)) & 63U] : '=';
    }
  }
  return text;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string bytes;
  unsigned int group = 0;
  int bits = 0;
  for (const char c : text) {
    unsigned int value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<unsigned int>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<unsigned int>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      value = static_cast<unsigned int>(c - '0') + 52;
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else
      return std::nullopt;
    group = ((group << 6) | value) & 0xffffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>((group >> bits) & 0xffU);
  }
  return bytes;
}

}  // namespace kongfleet::controller
