// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/finding.hpp"

namespace kongfleet::agent {

std::string sentence(const Finding& finding) {
  std::string where = finding.plugin.empty() ? "" : finding.plugin + ": ";
  if (!finding.file.empty()) {
    where += finding.file + (finding.line > 0 ? ":" + std::to_string(finding.line) : "") + ": ";
  }
  return where + finding.text + (finding.advice.empty() ? "" : " (" + finding.advice + ")");
}

}  // namespace kongfleet::agent
