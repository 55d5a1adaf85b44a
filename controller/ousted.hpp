// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/declined.hpp"
#include "controller/exit_code.hpp"

namespace kongfleet::controller {

/// Another controller has taken over what this one was doing: whatever it does from here on would
/// work against that one. The text says who, and doing what.
class Ousted : public Declined {
public:
  explicit Ousted(const std::string& what) : Declined(exit_code::held, what) {}
};

}  // namespace kongfleet::controller
