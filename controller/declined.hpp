// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/error.hpp"

namespace kongfleet::controller {

/// A command that will not do what it was asked: nothing was touched. With the exit code that says
/// so (README, exit codes).
class Declined : public Error {
public:
  Declined(int exit_code, const std::string& what) : Error(what), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

private:
  int exit_code_;
};

}  // namespace kongfleet::controller
