// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/allowed_signers.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// Reads one line of allowed_signers.
class AllowedSignersLine {
public:
  /// `name` and `number` are its place, for messages; both views outlive this.
  AllowedSignersLine(std::string_view text, std::string_view name, std::size_t number);

  /// Nothing of a blank line or a comment. Throws Error, "NAME:LINE:COLUMN: …".
  std::optional<AllowedSigner> read();

private:
  [[noreturn]] void fail(std::size_t at, const std::string& why) const;
  void skip_blanks();
  bool at_end() const { return at_ == text_.size(); }
  std::string_view word();
  std::string read_principals();
  SignerOptions read_options();
  void read_option(SignerOptions& options);
  bool take(std::string_view name);
  std::string quoted(const std::string& option);
  void read_time(std::optional<std::time_t>& into, const std::string& option);
  SshKey read_key();

  std::string_view text_;
  std::string_view name_;
  std::size_t number_;
  std::size_t at_ = 0;
};

}  // namespace kongfleet::agent
