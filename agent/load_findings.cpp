// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/candidate_check.hpp"
#include "agent/preflight.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

/// VERSION and PRIORITY are wrong where they are set, which Kong does not tell.
void locate_fields(std::vector<Finding>& findings, const Candidate& candidate) {
  for (auto& finding : findings) {
    if (finding.line != 0 || finding.file.empty()) continue;
    const auto handler = candidate.generation / finding.file;
    if (finding.code == "version") finding.line = line_of_field(handler, "VERSION");
    if (finding.code == "priority") finding.line = line_of_field(handler, "PRIORITY");
  }
}

/// Kong came to no end of its own: where, only the check knows.
Finding without_words(const ChildResult& result, const CheckReport& told) {
  Finding finding;
  if (told.unfinished) finding = *told.unfinished;
  finding.code = "load";
  if (result.timed_out) {
    finding.text =
        "Kong does not finish loading the plugins: the main chunk of a module hangs; in Kong's "
        "master process it would keep every later signal from being heard";
    finding.advice = "nothing may block or loop while a module is loaded";
  } else {
    finding.text =
        "Kong's process ended while it loaded the plugins: in its master process that stops Kong";
    finding.advice = "nothing may call os.exit or end the process while a module is loaded";
  }
  return finding;
}

void add_mistakes(const std::vector<Finding>& mistakes, std::vector<Finding>& findings) {
  for (const auto& mistake : mistakes) {
    const bool known = std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
      return finding.file == mistake.file && finding.line == mistake.line;
    });
    if (!known) findings.push_back(mistake);
  }
}

}  // namespace

bool loaded(const ChildResult& result) {
  return result.ok() && result.output.find("parse successful") != std::string::npos;
}

std::vector<Finding> load_findings(const ChildResult& result, const CheckReport& told,
                                   const Candidate& candidate) {
  std::vector<Finding> findings;
  const bool speechless = result.timed_out || result.ok();
  if (!loaded(result) && speechless) findings = {without_words(result, told)};
  if (!loaded(result) && !speechless) findings = findings_in(result.text(), candidate.generation);
  locate_fields(findings, candidate);
  add_mistakes(told.mistakes, findings);
  if (!findings.empty() || told.complete) return findings;
  Finding unseen;
  unseen.code = "syntax";
  unseen.warning = true;
  unseen.text = "the Lua files that Kong does not load at once could not be looked at";
  unseen.advice = "have a probe use what the plugins do";
  return {unseen};
}

}  // namespace kongfleet::agent
