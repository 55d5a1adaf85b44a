// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace kongfleet::controller {

/// Where administrators' programs are: a line for the beginning of a script. The PATH of who is no
/// administrator lacks them, and sudo may leave it so.
constexpr std::string_view shell_path = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\n";

/// Functions for what is asked of a host before and after an installation: whether `$key` is let
/// in, what sshd does with the login, and whether `$told`, its answer, has it run the agent.
constexpr std::string_view login_questions = R"sh(
key_is_there() {
  grep -sv '^[[:space:]]*#' /etc/kongfleet/authorized_keys | grep -qF "$key"
}
sshd_told() { sshd -T -C user=kongfleet,host=localhost,addr=127.0.0.1 2>/dev/null; }
is_forced() {
  printf '%s\n' "$told" | grep -qi '^forcecommand .*kongfleet-agent connect'
}
)sh";

/// `text` as one word of sh(1), whatever is in it: between single quotes.
std::string shell_quoted(const std::string& text);

/// The command that has sh(1) run `script`, as root by sudo(8), which must not ask, where `sudo`.
std::string shell_command(const std::string& script, bool sudo);

}  // namespace kongfleet::controller
