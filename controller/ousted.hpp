// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/declined.hpp"

namespace kongfleet::controller {

/// Another controller has taken over what this one was doing: whatever it does from here on would
/// work against that one. The text says who, and doing what.
class Ousted : public Declined {
public:
  explicit Ousted(const std::string& what) : Declined(held_exit, what) {}
  static constexpr int held_exit = 75;
};

}  // namespace kongfleet::controller
