// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/signature_cases.hpp"

namespace kongfleet::agent::test {

namespace {

struct LineCase {
  std::string name;
  std::string before;  // before the key
  Verdict verdict;
  std::string reason = "";
};

// Asked at 2026-06-01T12:00:00Z on a host where it is 13:00 in standard time, 14:00 on the wall.
const LineCase validity_lines[] = {
    {"after yesterday", "valid-after=\"20260531Z\"", Verdict::Good},
    {"after tomorrow", "valid-after=\"20260602Z\"", Verdict::Bad, "not yet valid"},
    {"after this second", "valid-after=\"20260601120000Z\"", Verdict::Good},
    {"after the next second", "valid-after=\"20260601120001Z\"", Verdict::Bad, "not yet valid"},
    {"before this second", "valid-before=\"20260601120000Z\"", Verdict::Good},
    {"before the last second", "valid-before=\"20260601115959Z\"", Verdict::Bad, "no longer"},
    {"before tomorrow", "valid-before=\"20260602Z\"", Verdict::Good},
    {"before today", "valid-before=\"20260601Z\"", Verdict::Bad, "no longer valid"},
    {"minutes, after", "valid-after=\"202606011200Z\"", Verdict::Good},
    {"minutes, after later", "valid-after=\"202606011201Z\"", Verdict::Bad, "not yet valid"},
    {"minutes, before", "valid-before=\"202606011159Z\"", Verdict::Bad, "no longer valid"},
    {"small z", "valid-before=\"20260602z\"", Verdict::Good},
    {"UTC", "valid-before=\"202606011159UTC\"", Verdict::Bad, "no longer valid"},
    {"UTC, small", "valid-after=\"202606011200utc\"", Verdict::Good},
    {"local time, after", "valid-after=\"20260601130000\"", Verdict::Good},
    {"local time, after later", "valid-after=\"20260601130001\"", Verdict::Bad, "not yet"},
    {"local time, before", "valid-before=\"20260601130000\"", Verdict::Good},
    {"local time, no longer", "valid-before=\"20260601125959\"", Verdict::Bad, "no longer"},
    {"local minutes", "valid-before=\"202606011259\"", Verdict::Bad, "no longer"},
    {"local day", "valid-before=\"20260601\"", Verdict::Bad, "no longer"},
    {"local day after", "valid-after=\"20260602\"", Verdict::Bad, "not yet"},
    {"both", "valid-after=\"20260101Z\",valid-before=\"20270101Z\"", Verdict::Good},
    {"both, past", "valid-after=\"20250101Z\",valid-before=\"20260101Z\"", Verdict::Bad},
    {"never", "valid-after=\"20270101Z\",valid-before=\"20260101Z\"", Verdict::Bad, ":1:"},
    {"an empty window", "valid-after=\"20260101Z\",valid-before=\"20260101Z\"", Verdict::Bad},
    {"twice", "valid-after=\"20250101Z\",valid-after=\"20250101Z\"", Verdict::Bad, "twice"},
    {"no quotes", "valid-after=20250101Z", Verdict::Bad, "quotes"},
    {"no time", "valid-after=\"yesterday\"", Verdict::Bad, "is no time"},
    {"month 13", "valid-after=\"20251301Z\"", Verdict::Bad, "is no time"},
    {"hour 25", "valid-after=\"202501012500Z\"", Verdict::Bad, "is no time"},
    {"seven digits", "valid-after=\"2025010Z\"", Verdict::Bad, "is no time"},
    {"only Z", "valid-after=\"Z\"", Verdict::Bad, "is no time"},
    {"empty", "valid-after=\"\"", Verdict::Bad, "is no time"},
    {"the first second", "valid-after=\"19700101Z\"", Verdict::Bad, "is no time"},
    {"before all time", "valid-before=\"19691231Z\"", Verdict::Bad, "is no time"},
};

const LineCase option_lines[] = {
    {"our namespace", "namespaces=\"kongfleet-release-v1\"", Verdict::Good},
    {"one of ours", "namespaces=\"git,kongfleet-release-v1\"", Verdict::Good},
    {"a pattern", "namespaces=\"kongfleet-*\"", Verdict::Good},
    {"a question mark", "namespaces=\"kongfleet-release-v?\"", Verdict::Good},
    {"any namespace", "namespaces=\"*\"", Verdict::Good},
    {"all but git", "namespaces=\"*,!git\"", Verdict::Good},
    {"all but ours", "namespaces=\"*,!kongfleet-release-v1\"", Verdict::Bad, "only, not for"},
    {"another namespace", "namespaces=\"git\"", Verdict::Bad, "may sign for 'git' only"},
    {"another version", "namespaces=\"kongfleet-release-v2\"", Verdict::Bad, "only, not for"},
    {"a prefix", "namespaces=\"kongfleet\"", Verdict::Bad, "only, not for"},
    {"no namespace", "namespaces=\"\"", Verdict::Bad, "only, not for"},
    {"twice namespaces", "namespaces=\"*\",namespaces=\"*\"", Verdict::Bad, "twice"},
    {"other case", "NameSpaces=\"kongfleet-release-v1\"", Verdict::Good},
    {"a comma at the end", "namespaces=\"*\",", Verdict::Bad},
    {"an unknown option", "no-touch-required", Verdict::Bad, "unknown option"},
    {"an authority of none", "cert-authority", Verdict::Bad, "may not sign"},
    {"an open quote", "namespaces=\"*", Verdict::Bad, "quote"},
    {"escaped quotes", "namespaces=\"\\\"x\\\",kongfleet-release-v1\"", Verdict::Good},
    {"joined options", "namespaces=\"*\"valid-after=\"20250101Z\"", Verdict::Bad, "comma"},
};

}  // namespace

SignatureCases line_cases(SigningRoom& room) {
  const auto key = room.make_key("line", {"-t", "ed25519"});
  const auto other = room.make_key("line-other", {"-t", "ed25519"});
  const Question good{signed_manifest, room.sign("line", signed_manifest), ""};
  SignatureCases cases;
  const auto add = [&](const std::string& name, const std::string& allowed, Verdict verdict,
                       const std::string& reason = "") {
    auto question = good;
    question.allowed = allowed;
    cases.push_back({"allowed_signers: " + name, question, verdict, reason});
  };
  const std::string alice = "alice@example.com ";
  for (const auto& line : validity_lines)
    add(line.name, alice + line.before + " " + key + "\n", line.verdict, line.reason);
  for (const auto& line : option_lines)
    add(line.name, alice + line.before + " " + key + "\n", line.verdict, line.reason);
  add("comments and blank lines", "# us\n\n \t\n  # and\n" + alice + key + " of Alice\n",
      Verdict::Good);
  add("tabs and blanks", " \talice@example.com \t " + key + "\n", Verdict::Good);
  add("tab before options", "alice@example.com\tnamespaces=\"*\"\t" + key + "\n", Verdict::Good);
  add("no end of line", alice + key, Verdict::Good);
  add("lines of Windows", alice + key + "\r\n", Verdict::Good);
  add("quoted principals", "\"alice@example.com,bob\" " + key + "\n", Verdict::Good);
  add("a list", "bob,alice@example.com,carol " + key + "\n", Verdict::Good);
  add("a pattern of principals", "*@example.com " + key + "\n", Verdict::Good);
  add("one is not meant", "*@example.com,!bob@example.com " + key + "\n", Verdict::Good);
  add("the second line", "alice@example.com " + other + "\n" + alice + key + "\n", Verdict::Good);
  add("an expired line before", alice + "valid-before=\"20200101Z\" " + key + "\n" + alice + key,
      Verdict::Good);
  add("another's line only", "alice@example.com " + other + "\n", Verdict::Bad, "may not sign");
  add("an empty file", "", Verdict::Bad, "nobody may sign");
  add("only comments", "# nobody\n", Verdict::Bad, "nobody may sign");
  add("no key", "alice@example.com\n", Verdict::Bad, "no key");
  add("no principals", key + "\n", Verdict::Bad);
  add("half a key", alice + key.substr(0, 40) + "\n", Verdict::Bad, "allowed_signers:1:31:");
  add("another type", alice + "ssh-rsa" + key.substr(key.find(' ')) + "\n", Verdict::Bad,
      "not the type");
  add("not base64", alice + "ssh-ed25519 ????\n", Verdict::Bad, "not base64");
  add("a quote within", "\"alice@example.com " + key + "\n", Verdict::Bad, "quote");
  return cases;
}

}  // namespace kongfleet::agent::test
