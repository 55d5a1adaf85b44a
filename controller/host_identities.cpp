// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_identities.hpp"

#include "controller/suggestion.hpp"

namespace kongfleet::controller {

std::optional<std::string> HostIdentities::claim(const std::string& label,
                                                 const std::string& identity,
                                                 const std::string& fingerprint) {
  if (identity.empty()) return std::nullopt;
  const auto [place, is_new] = labels_.emplace(identity, label);
  if (!is_new && place->second != label) return place->second;
  if (!fingerprint.empty()) {
    keys_[fingerprint].emplace(identity.substr(0, identity.find('/')), label);
  }
  return std::nullopt;
}

std::vector<std::string> HostIdentities::notes() const {
  std::vector<std::string> notes;
  for (const auto& [fingerprint, machines] : keys_) {
    // A host that was booted meanwhile is still one.
    std::map<std::string, bool> once;
    std::vector<std::string> labels;
    for (const auto& [boot, label] : machines) {
      if (once.emplace(label, true).second) labels.push_back(label);
    }
    if (labels.size() < 2) continue;
    notes.push_back(quoted_list(labels) + " have the same SSH host key " + fingerprint +
                    ", as clones of an image do: each can pose as the others; give each its own");
  }
  return notes;
}

}  // namespace kongfleet::controller
