// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/checkup.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// The part of judge() that is about Kong, its configuration and its unit.
void judge_kong(const CheckupFacts& facts, std::vector<Check>& checks);

Check right(const std::string& name, const std::string& text);

/// A sentence of ours says what is, and behind a semicolon what to do about it. Either part.
std::string statement_in(const std::string& sentence);
Remedy remedy_in(const std::string& sentence, Remedy otherwise);

/// For people: in single quotes.
std::string quote(const std::filesystem::path& path);

}  // namespace kongfleet::agent
