// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/agent/signing_fixture.hpp"

#include <string>
#include <vector>

namespace kongfleet::agent::test {

/// What is right. Stricter: ssh-keygen accepts it, we must not; each of these is a decision.
enum class Verdict { Good, Bad, Stricter };

struct SignatureCase {
  std::string name;
  Question question;
  Verdict verdict;
  std::string reason = "";  // what our message must say; empty: anything
};

using SignatureCases = std::vector<SignatureCase>;

inline const std::string signed_manifest = "fleet: edge\nserial: 7\nplugin: acme 1.2\n";

/// Each kind of key: good, flipped, truncated, for another purpose, by another key, of another
/// text.
SignatureCases key_cases(SigningRoom& room);
/// How lines of allowed_signers may read, and their validity.
SignatureCases line_cases(SigningRoom& room);
SignatureCases certificate_cases(SigningRoom& room);
SignatureCases revocation_cases(SigningRoom& room);
/// All where we are stricter than ssh-keygen.
SignatureCases stricter_cases(SigningRoom& room);

}  // namespace kongfleet::agent::test
