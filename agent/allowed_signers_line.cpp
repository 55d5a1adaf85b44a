// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/allowed_signers_line.hpp"

#include "agent/ssh_pattern.hpp"
#include "agent/ssh_time.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <strings.h>

#include <algorithm>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::string_view line_blanks = " \t";

// "ssh-ed25519 AAAA…": no option is spelled like a key's type.
bool looks_like_key_type(std::string_view text) {
  return text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-");
}

}  // namespace

AllowedSignersLine::AllowedSignersLine(std::string_view text, std::string_view name,
                                       std::size_t number)
    : text_(text), name_(name), number_(number) {}

void AllowedSignersLine::fail(std::size_t at, const std::string& why) const {
  throw Error(std::string(name_) + ":" + std::to_string(number_) + ":" + std::to_string(at + 1) +
              ": " + why);
}

void AllowedSignersLine::skip_blanks() {
  at_ = std::min(text_.find_first_not_of(line_blanks, at_), text_.size());
}

std::string_view AllowedSignersLine::word() {
  const auto begin = at_;
  at_ = std::min(text_.find_first_of(line_blanks, at_), text_.size());
  return text_.substr(begin, at_ - begin);
}

std::optional<AllowedSigner> AllowedSignersLine::read() {
  for (std::size_t i = 0; i < text_.size(); ++i)
    if (static_cast<unsigned char>(text_[i]) < 0x20 && text_[i] != '\t')
      fail(i, "a control character; this is a text of lines");
  skip_blanks();
  if (at_end() || text_[at_] == '#') return std::nullopt;

  auto principals = read_principals();
  skip_blanks();
  SignerOptions options;
  if (!looks_like_key_type(text_.substr(at_))) options = read_options();
  skip_blanks();
  auto key = read_key();
  return AllowedSigner{number_, std::move(principals), std::move(options), std::move(key)};
}

std::string AllowedSignersLine::read_principals() {
  const auto begin = at_;
  std::string principals;
  if (text_[at_] == '"') {
    const auto end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) fail(begin, "a quote that nothing closes");
    principals = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (!at_end() && line_blanks.find(text_[at_]) == std::string_view::npos)
      fail(at_, "a blank belongs behind the quoted principals");
  } else {
    principals = word();
    if (const auto quote = principals.find('"'); quote != std::string::npos)
      fail(begin + quote, "a quote within the principals; it belongs around all of them");
  }
  if (const auto why = why_bad_principals(principals); !why.empty())
    fail(begin, "the principals '" + printable(principals, 128) + "' do not say who: " +
                    std::string(why) + "; name who may sign, as in alice@example.com");
  return principals;
}

SignerOptions AllowedSignersLine::read_options() {
  SignerOptions options;
  if (at_end()) fail(at_, "no key; it reads PRINCIPALS [OPTIONS] KEY-TYPE KEY [COMMENT]");
  for (;;) {
    read_option(options);
    if (at_end() || line_blanks.find(text_[at_]) != std::string_view::npos) break;
    if (text_[at_] != ',') fail(at_, "a comma or a blank belongs behind an option");
    ++at_;
  }
  if (options.valid_after && options.valid_before && *options.valid_before <= *options.valid_after)
    fail(at_, "valid-before is not after valid-after: this key is never valid");
  return options;
}

bool AllowedSignersLine::take(std::string_view name) {
  const auto next = text_.substr(at_, name.size());
  const bool same =
      next.size() == name.size() && ::strncasecmp(next.data(), name.data(), name.size()) == 0;
  if (same) at_ += name.size();
  return same;
}

void AllowedSignersLine::read_option(SignerOptions& options) {
  const auto begin = at_;
  if (take("cert-authority")) {
    options.cert_authority = true;
  } else if (take("namespaces=")) {
    if (options.namespaces) fail(begin, "namespaces is there twice");
    options.namespaces = quoted("namespaces");
  } else if (take("valid-after=")) {
    read_time(options.valid_after, "valid-after");
  } else if (take("valid-before=")) {
    read_time(options.valid_before, "valid-before");
  } else {
    fail(begin, "unknown option or key type '" + printable(word(), 64) +
                    "'; the options are cert-authority, namespaces=\"…\", valid-after=\"…\" and "
                    "valid-before=\"…\"");
  }
}

std::string AllowedSignersLine::quoted(const std::string& option) {
  if (at_end() || text_[at_] != '"') fail(at_, "the value of " + option + " belongs in quotes");
  std::string value;
  for (++at_; !at_end() && text_[at_] != '"'; ++at_) {
    if (text_.substr(at_).starts_with("\\\"")) ++at_;
    value += text_[at_];
  }
  if (at_end()) fail(at_, "nothing closes the quote of " + option);
  ++at_;
  return value;
}

void AllowedSignersLine::read_time(std::optional<std::time_t>& into, const std::string& option) {
  const auto begin = at_;
  if (into) fail(begin, option + " is there twice");
  const auto text = quoted(option);
  into = parse_ssh_time(text);
  if (!into)
    fail(begin, option + " '" + printable(text, 64) +
                    "' is no time; it reads YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and Z for "
                    "UTC");
}

SshKey AllowedSignersLine::read_key() {
  const auto begin = at_;
  const auto type = word();
  if (type.empty()) fail(begin, "no key; it reads PRINCIPALS [OPTIONS] KEY-TYPE KEY [COMMENT]");
  if (is_certificate_type(type))
    fail(begin,
         "a certificate where a key belongs; name its authority's key, with the option "
         "cert-authority");
  skip_blanks();
  const auto key_at = at_;
  const auto blob = base64_decoded(word());
  if (!blob || blob->empty()) fail(key_at, "the key is not base64");
  const auto place = std::string(name_) + ":" + std::to_string(number_) + ":" +
                     std::to_string(key_at + 1) + ": the key";
  auto key = SshKey::parse(*blob, place);
  if (key.algorithm() != type)
    fail(begin, "'" + printable(type, 64) + "' is not the type of the key, " + key.algorithm());
  return key;
}

}  // namespace kongfleet::agent
