// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/companions.hpp"

#include <algorithm>

namespace kongfleet::agent {

namespace {

// Nothing when `companion` is among them.
std::string found_instead(const Companion& companion, const std::vector<Manifest>& proposed) {
  const auto at = std::find_if(proposed.begin(), proposed.end(), [&](const Manifest& release) {
    return release.name() == companion.name;
  });
  if (at == proposed.end()) return "there would be none";
  if (at->digest() == companion.digest) return {};
  if (at->version() != companion.version) return "not with " + at->version().text();
  return "not with " + at->digest().brief() + ", another of the same version";
}

}  // namespace

std::vector<Finding> parted(const std::vector<Manifest>& proposed, const Manifest& release) {
  std::vector<Finding> found;
  if (!release.terms()) return found;
  for (const auto& companion : release.terms()->with) {
    const auto instead = found_instead(companion, proposed);
    if (instead.empty()) continue;
    found.push_back({"trust", release.name().text(), "", 0,
                     release.release() + " was signed to run with " + companion.release() + " (" +
                         companion.digest.brief() + "); " + instead,
                     "bring both, or sign it anew with --with for what shall run beside it"});
  }
  return found;
}

}  // namespace kongfleet::agent
