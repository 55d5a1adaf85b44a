// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/signature_cases.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>

namespace kongfleet::agent::test {

namespace {

constexpr std::size_t signature_cases_min = 150;

// Where times without a zone are read in one that has a summer; the rules are in the name.
class SomeZone {
public:
  SomeZone() { ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); }
  SomeZone(const SomeZone&) = delete;
  SomeZone& operator=(const SomeZone&) = delete;
  ~SomeZone() { ::unsetenv("TZ"); }
};

// What is wrong about a case; empty: nothing.
std::string wrong_about(const SigningRoom& room, const SignatureCase& one) {
  const bool theirs = room.openssh_accepts(one.question);
  const auto why = why_refused(one.question);
  const bool ours = why.empty();
  if (theirs != (one.verdict != Verdict::Bad))
    return theirs ? "ssh-keygen accepts" : "ssh-keygen refuses";
  if (ours != (one.verdict == Verdict::Good)) return ours ? "we accept" : "we refuse: " + why;
  if (!ours && !holds(why, one.reason)) return "the reason is " + why + ", not " + one.reason;
  return "";
}

SignatureCases all_signature_cases(SigningRoom& room) {
  SignatureCases all;
  for (auto* make : {key_cases, line_cases, certificate_cases, revocation_cases, stricter_cases}) {
    auto some = make(room);
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  return all;
}

}  // namespace

TEST_CASE("a signature counts where ssh-keygen says so, except where we are stricter on purpose") {
  const auto began = std::chrono::steady_clock::now();
  const SomeZone zone;
  SigningRoom room;
  const auto cases = all_signature_cases(room);
  std::size_t bad = 0;
  for (const auto& one : cases) {
    const auto wrong = wrong_about(room, one);
    if (wrong.empty()) continue;
    ++bad;
    FAIL_CHECK(one.name << ": " << wrong);
  }
  CHECK(cases.size() >= signature_cases_min);
  if (const char* directory = std::getenv("KONGFLEET_PROOF_DIR")) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::ofstream(std::string(directory) + "/signature-cases.json")
        << R"({"name": "signature-cases", "promise": "P10", "count": )" << cases.size()
        << ", \"bad\": " << bad << ", \"seconds\": " << took.count() << "}\n";
  }
}

}  // namespace kongfleet::agent::test
