// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// The digests and encodings that known_hosts files and key fingerprints are made of. Results are
/// raw bytes; what fails in here is the library itself, and throws Error.
std::string sha256_bytes(std::string_view bytes);

/// HMAC-SHA1, as hashed known_hosts names use it. `key` is at most 64 bytes. Fast for many short
/// calls.
std::string hmac_sha1(std::string_view key, std::string_view text);

/// Two lower-case digits a byte.
std::string hex_encoded(std::string_view bytes);

std::string base64_encoded(std::string_view bytes);

/// Nothing when `text` is not padded base64 of its whole length.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace kongfleet::controller
