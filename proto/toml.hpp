// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/error.hpp"

namespace kongfleet {

/// The library has come upon what it takes for impossible: a file that it does not understand.
class TomlBroken : public Error {
public:
  TomlBroken()
      : Error(
            "found what is no TOML, such as a table's name that begins with none of its "
            "characters") {}
};

[[noreturn]] inline void toml_is_broken() { throw TomlBroken(); }

}  // namespace kongfleet

// The library asserts what a file decides: with "[:x]" it would end the process (3.3.0).
#define TOML_ASSERT(condition) ((condition) ? void() : ::kongfleet::toml_is_broken())
#include <toml++/toml.h>
