// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/agent/agent_fixture.hpp"

#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent::test {

using Arguments = std::vector<std::string>;

/// All that a verdict depends on.
struct Question {
  std::string message;
  std::string signature;  // armored
  std::string allowed;    // allowed_signers
  std::optional<std::string> revoked = std::nullopt;
  std::string identity = "alice@example.com";  // whom ssh-keygen is asked for
  std::time_t now = 1780315200;                // 2026-06-01T12:00:00Z
};

/// Why our agent refuses; empty when it accepts.
std::string why_refused(const Question& question);

/// OpenSSH's own ssh-keygen in a directory of its own. Keys are known by the names they got there.
/// Each of these throws Error when ssh-keygen is missing or fails.
class SigningRoom {
public:
  /// A new key; gives the public one, "ssh-ed25519 AAAA…".
  std::string make_key(const std::string& name, const Arguments& options);
  /// A certificate of a fresh copy of `key`; sign with its name then.
  void certify(const std::string& name, const std::string& key, const std::string& authority,
               const Arguments& options);
  std::string public_key(const std::string& name) const;
  std::string sign(const std::string& name, const std::string& message,
                   const Arguments& options = {"-n", "kongfleet-release-v1"}) const;
  /// A revocation list; names of keys and certificates end in ".pub", other files are made by
  /// `write`.
  std::string revocations(const Arguments& options) const;
  std::string write(const std::string& name, std::string_view text) const;
  /// What `ssh-keygen -Y verify` says.
  bool openssh_accepts(const Question& question) const;
  const std::filesystem::path& path() const { return directory_.path(); }

private:
  TempDir directory_;
};

/// The bytes of an armored signature, and the armor around bytes.
std::string without_armor(const std::string& armored);
std::string with_armor(const std::string& bytes);

}  // namespace kongfleet::agent::test
