// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/editor/conf_generator.hpp"
#include "tests/editor/penlight.hpp"

#include <string>
#include <string_view>

namespace kongfleet::agent {

/// What our reader makes of a text, in the form in which Kong's own parser answers.
Answer our_answer(std::string_view text);

/// What is wrong with an edit, judged by what Kong's parser says of both texts and by the bytes
/// alone, with none of the editor's own code; "" when nothing is.
std::string judge(const ConfCase& made, ConfDialect dialect, const Edited& edited,
                  const Answer& before, const Answer& after);

}  // namespace kongfleet::agent
