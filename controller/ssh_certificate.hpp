// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// From when until when a user's certificate lets in, in seconds since 1970. The host decides by
/// its own clock; here it only explains why a host that says no may have said it.
struct CertificateValidity {
  std::uint64_t after = 0;
  std::uint64_t before = UINT64_MAX;  ///< this: for ever

  /// Why it does not let in at `now`: "expired at 2026-11-28 15:40:00 UTC"; empty when it should.
  std::string objection(std::uint64_t now) const;
};

/// The validity in the text of a KEY-cert.pub file (PROTOCOL.certkeys); nothing when it is none.
std::optional<CertificateValidity> certificate_validity(std::string_view public_line);

}  // namespace kongfleet::controller
