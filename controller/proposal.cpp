// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/proposal.hpp"

#include <algorithm>

namespace kongfleet::controller {

wire::Propose proposal_of(const std::vector<std::string>& plugins,
                          const std::vector<Release>& releases) {
  wire::Propose proposal;
  bool is_signed = false;
  for (const auto& name : plugins) {
    for (const auto& release : releases) {
      if (release.manifest.name().text() != name) continue;
      proposal.add_manifests(release.manifest.text());
      proposal.add_signatures(release.signature);
      is_signed = is_signed || !release.signature.empty();
    }
  }
  if (!is_signed) proposal.clear_signatures();
  return proposal;
}

std::vector<wire::ReleaseId> releases_of(const std::vector<std::string>& plugins,
                                         const std::vector<Release>& releases) {
  std::vector<wire::ReleaseId> ids;
  for (const auto& release : releases) {
    const auto name = release.manifest.name().text();
    if (std::find(plugins.begin(), plugins.end(), name) == plugins.end()) continue;
    auto& id = ids.emplace_back();
    id.set_name(name);
    id.set_version(release.manifest.version().text());
    id.set_digest(release.manifest.digest().hex());
  }
  return ids;
}

}  // namespace kongfleet::controller
