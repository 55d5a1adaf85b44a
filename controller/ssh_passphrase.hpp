// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace kongfleet::controller {

/// Asks for a secret with `prompt`; blocks, so it runs on a thread of its own, until `stop` is
/// requested. Nothing when there is nobody to ask or they would not tell.
using AskPassphrase =
    std::function<std::optional<std::string>(const std::string& prompt, std::stop_token stop)>;

/// Asks on the terminal of the process, without echo; where there is none, has the program that
/// SSH_ASKPASS names ask (ssh(1)); else gives nothing.
std::optional<std::string> ask_passphrase(const std::string& prompt, std::stop_token stop);

}  // namespace kongfleet::controller
