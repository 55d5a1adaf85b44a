// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/standing.hpp"

#include "agent/steps.hpp"
#include "proto/names.hpp"

namespace kongfleet::agent {

std::string standing_text(const std::optional<OpenState>& open) {
  if (!open) return "Waiting for a controller";
  const auto transaction = printable(open->id, 200);
  if (open->step == step_name(Step::Stranded))
    return "STRANDED, needs a person: transaction " + transaction + "; see kongfleet-agent status";
  if (open->step == step_name(Step::Trial))
    return "In trial: generation " + std::to_string(open->generation) + ", transaction " +
           transaction;
  return "Changing to generation " + std::to_string(open->generation) + " (" + open->step +
         "), transaction " + transaction;
}

}  // namespace kongfleet::agent
