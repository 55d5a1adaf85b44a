// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/allowed_signers.hpp"

#include "agent/allowed_signers_line.hpp"
#include "agent/ssh_pattern.hpp"
#include "agent/utc_time.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"
#include "proto/release_terms.hpp"

#include <algorithm>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::size_t allowed_signers_bytes_max = std::size_t{1} << 20;  // some thousand signers
constexpr std::uint32_t user_certificate = 1;  // PROTOCOL.certkeys: SSH_CERT_TYPE_USER

bool is_about(const AllowedSigner& line, const SshSigner& signer) {
  if (!signer.certificate) return !line.options.cert_authority && line.key == signer.key;
  return line.options.cert_authority && line.key == signer.certificate->authority;
}

std::string time_text(std::uint64_t time) {
  constexpr std::uint64_t year_9999_ends = 253402300799;
  return time > year_9999_ends ? "never" : utc_text(static_cast<std::time_t>(time));
}

std::string why_not_valid(const SshCertificate& certificate, std::time_t now) {
  const auto second = static_cast<std::uint64_t>(now);
  const auto title = "the certificate '" + printable(certificate.key_id, 128) + "'";
  if (certificate.type != user_certificate) return title + " is not of a user";
  if (second < certificate.valid_after)
    return title + " is not yet valid: it is from " + time_text(certificate.valid_after) +
           ", and now is " + utc_text(now);
  if (second >= certificate.valid_before)
    return title + " is no longer valid: it was until " + time_text(certificate.valid_before) +
           ", and now is " + utc_text(now);
  if (!certificate.critical_options.empty())
    return title + " has the critical option '" +
           printable(certificate.critical_options.front(), 64) +
           "', which says nothing about releases";
  return "";
}

std::string why_not_valid(const AllowedSigner& line, std::time_t now) {
  if (line.options.namespaces && !pattern_list_matches(release_namespace, *line.options.namespaces))
    return "this key may sign for '" + printable(*line.options.namespaces, 128) +
           "' only, not for '" + std::string(release_namespace) + "'";
  if (line.options.valid_after && now < *line.options.valid_after)
    return "this key is not yet valid: it is from " + utc_text(*line.options.valid_after) +
           ", and now is " + utc_text(now);
  if (line.options.valid_before && now > *line.options.valid_before)
    return "this key is no longer valid: it was until " + utc_text(*line.options.valid_before) +
           ", and now is " + utc_text(now);
  return "";
}

std::string matching_principals(const SshCertificate& certificate, const AllowedSigner& line) {
  std::string matching;
  for (const auto& principal : certificate.principals)
    if (pattern_list_matches(principal, line.principals))
      matching += (matching.empty() ? "" : ",") + principal;
  return matching;
}

// The principals, or why not.
struct LineVerdict {
  std::string principals;
  std::string why_not;
};

LineVerdict judge(const AllowedSigner& line, const SshSigner& signer, std::time_t now) {
  if (!signer.certificate) return {line.principals, why_not_valid(line, now)};
  signer.certificate->check_issued();
  auto why_not = why_not_valid(*signer.certificate, now);
  if (why_not.empty()) why_not = why_not_valid(line, now);
  auto principals = matching_principals(*signer.certificate, line);
  if (why_not.empty() && principals.empty())
    why_not = "no principal of the certificate '" + printable(signer.certificate->key_id, 128) +
              "' is one of '" + printable(line.principals, 128) + "'";
  return {std::move(principals), std::move(why_not)};
}

std::string unknown_signer(const SshSigner& signer, const std::string& name) {
  if (signer.certificate)
    return "signed by " + signer.text() + ", certified by " +
           signer.certificate->authority.fingerprint() + ", which is no cert-authority in '" +
           name + "'";
  return "signed by " + signer.text() + ", which may not sign: it is not in '" + name + "'";
}

}  // namespace

AllowedSigners AllowedSigners::parse(std::string_view text, const std::string& name) {
  if (text.size() > allowed_signers_bytes_max)
    throw Error(name + ":1:1: more than " + std::to_string(allowed_signers_bytes_max) + " bytes");
  AllowedSigners signers;
  signers.name_ = name;
  std::size_t number = 0;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto signer = AllowedSignersLine(line, name, ++number).read())
      signers.lines_.push_back(std::move(*signer));
  }
  if (signers.lines_.empty())
    throw Error(name +
                ":1:1: nobody may sign: no line says who; it reads PRINCIPALS [OPTIONS] "
                "KEY-TYPE KEY [COMMENT]");
  return signers;
}

std::string AllowedSigners::principals_of(const SshSigner& signer, std::time_t now) const {
  std::string why_not;
  for (const auto& line : lines_) {
    if (!is_about(line, signer)) continue;
    auto verdict = judge(line, signer, now);
    if (verdict.why_not.empty()) return std::move(verdict.principals);
    if (why_not.empty())
      why_not = "signed by " + signer.text() + ", which may not: " + name_ + ":" +
                std::to_string(line.line) + ": " + verdict.why_not;
  }
  throw Error(why_not.empty() ? unknown_signer(signer, name_) : why_not);
}

}  // namespace kongfleet::agent
