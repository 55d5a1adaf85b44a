// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_certificate.hpp"

#include "controller/ssh_hash.hpp"
#include "controller/ssh_wire.hpp"

#include <array>
#include <ctime>
#include <utility>

namespace kongfleet::controller {

namespace {

using namespace std::string_view_literals;

// How many fields the certified key has between the nonce and the serial number.
constexpr std::array key_fields{
    std::pair{"ssh-ed25519-cert-v01@openssh.com"sv, 1},
    std::pair{"ssh-rsa-cert-v01@openssh.com"sv, 2},
    std::pair{"ecdsa-sha2-nistp256-cert-v01@openssh.com"sv, 2},
    std::pair{"ecdsa-sha2-nistp384-cert-v01@openssh.com"sv, 2},
    std::pair{"ecdsa-sha2-nistp521-cert-v01@openssh.com"sv, 2},
    std::pair{"sk-ssh-ed25519-cert-v01@openssh.com"sv, 2},
    std::pair{"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"sv, 3},
};

std::optional<std::uint64_t> take_u64(std::string_view& in) {
  const auto high = take_u32(in);
  const auto low = take_u32(in);
  if (!high || !low) return std::nullopt;
  return std::uint64_t{*high} << 32U | *low;
}

std::string utc(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (seconds > INT64_MAX || ::gmtime_r(&time, &parts) == nullptr) return "no time at all";
  char text[40];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

bool skip_strings(std::string_view& in, int count) {
  while (count > 0 && take_string(in)) --count;
  return count == 0;
}

std::optional<CertificateValidity> read(std::string_view blob) {
  const auto type = take_string(blob);
  int fields = 0;
  for (const auto& [name, count] : key_fields) {
    if (type == name) fields = count;
  }
  if (fields == 0 || !skip_strings(blob, 1 + fields)) return std::nullopt;
  const bool numbered = take_u64(blob) && take_u32(blob);        // serial number, type
  if (!numbered || !skip_strings(blob, 2)) return std::nullopt;  // its name, principals
  const auto after = take_u64(blob);
  const auto before = take_u64(blob);
  if (!after || !before) return std::nullopt;
  return CertificateValidity{*after, *before};
}

}  // namespace

std::string CertificateValidity::objection(std::uint64_t now) const {
  if (now >= before) return "expired at " + utc(before);
  if (now < after) return "is not valid before " + utc(after);
  return {};
}

std::optional<CertificateValidity> certificate_validity(std::string_view public_line) {
  const auto begin = public_line.find(' ');
  if (begin == std::string_view::npos) return std::nullopt;
  public_line.remove_prefix(begin + 1);
  const auto blob = base64_decoded(public_line.substr(0, public_line.find_first_of(" \r\n")));
  return blob ? read(*blob) : std::nullopt;
}

}  // namespace kongfleet::controller
