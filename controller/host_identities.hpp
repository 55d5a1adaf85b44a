// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Who the hosts of a run are, by what their agents say of themselves: one host under two names
/// would be changed twice at once, and count twice in every budget.
///
/// The agent's word decides, not the SSH host key: cloned images share a key and are different
/// hosts all the same, and two agents may live on one machine. A shared key is worth a note,
/// though: whoever has one of those hosts can pose as the others. Nor do different keys show
/// different hosts: an SSH server has one of each type. A host that poses as another has to know
/// its boot's id, which nobody guesses; whoever is refused for that is told by name.
class HostIdentities {
public:
  /// `label` has shown the SSH host key with this fingerprint, and its agent says it is `identity`
  /// ("BOOT/…"; empty: it does not say). Gives the label that is the same host, if one came before.
  std::optional<std::string> claim(const std::string& label, const std::string& identity,
                                   const std::string& fingerprint);

  /// One sentence for each host key that several machines have.
  std::vector<std::string> notes() const;

private:
  std::map<std::string, std::string> labels_;  // by identity
  /// By fingerprint, then by boot: one label of each machine.
  std::map<std::string, std::map<std::string, std::string>> keys_;
};

}  // namespace kongfleet::controller
