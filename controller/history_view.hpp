// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout_memory.hpp"

#include <boost/json/fwd.hpp>

#include <iosfwd>
#include <string>
#include <vector>

namespace kongfleet::controller {

// What is remembered of rollouts, for people and for programs (history_commands.hpp has the
// shapes). `running` is the ID of the one that a living controller is at, or empty.

/// How it stands or ended, in a word or two.
std::string result_text(const RememberedRollout& rollout, const std::string& running);

void print_history(std::ostream& out, const std::vector<RememberedRollout>& rollouts,
                   const std::string& running);
void print_history_json(std::ostream& out, const std::vector<RememberedRollout>& rollouts,
                        const std::string& running);
void print_rollout(std::ostream& out, const RememberedRollout& rollout, const std::string& running);
/// A rollout without its hosts, as it is in all of these documents.
boost::json::object rollout_json(const RememberedRollout& rollout, const std::string& running);
void print_rollout_json(std::ostream& out, const RememberedRollout& rollout,
                        const std::vector<RememberedEvent>& events, const std::string& running);

}  // namespace kongfleet::controller
