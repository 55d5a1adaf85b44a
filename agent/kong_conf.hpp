// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kongfleet::agent {

/// Kong's rule for comments after a value. Both cut at the first '#' that no '\' precedes.
/// Before 3.2 a '#' that is the value's first character starts no comment, and the character before
/// any other one goes with it; from 3.2 on blanks before it go, and nothing else.
enum class ConfDialect { Before32, From32 };

/// The dialect of a Kong version: "2.8.5", "3.4.2", "3.9.1.1-enterprise-edition", "Kong 3.4.2".
/// Text in which no MAJOR.MINOR is found counts as today's Kong.
ConfDialect dialect_of(std::string_view kong_version);

/// What is wrong with a kong.conf (or with a change of it), and what would be right.
struct ConfProblem {
  std::size_t line;  // 1-based; 0: the whole file, or not the file at all
  std::string reason;
};

/// What Kong's loader makes of a value. A Number was converted ("0x10" is 16). A Table is what
/// becomes of a value that contains `_blank_`, and of a key that is also a [section]: Kong can do
/// nothing with it.
enum class ConfKind { Text, Number, Table };

/// One `key = value` that Kong sees.
struct ConfSetting {
  std::string key;    // as Kong sees it: every character that is not a letter or a digit is '_'
  std::string value;  // effective: trimmed, comment removed, `\#` unescaped, numbers converted; ""
                      // for a Table
  ConfKind kind;
  std::size_t line;  // where it begins, 1-based
  std::size_t
      last_line;  // where it ends: later than `line` when lines were joined by a trailing '\'
  // Of a setting on one line: the bytes of the file [written, written_end) that say the value, as
  // they stand there (`\#` still escaped, the comment outside), and where the line ends, '\n' or
  // end of file.
  std::size_t written;
  std::size_t written_end;
  std::size_t line_end;
};

/// A line that reads as a setting by itself, but that Kong joins to another line or loses with it.
struct ConfSwallowed {
  std::string key;
  std::size_t line;
  std::size_t into;  // the line whose trailing '\' does it
};

/// kong.conf as Kong itself reads it: its pl.config.read(…, {list_delim = "_blank_"}), then its own
/// removal of comments; not its check of types and names. Quirks included: kong_conf_test.cpp lists
/// them.
class KongConf {
public:
  static constexpr std::size_t bytes_max = 1
                                           << 20;  // the default file has 100 KB, comments and all

  /// Reads a whole file. Refused are only files on which Kong's own loader stops with an error
  /// (a malformed [section]), and more than `bytes_max`.
  static std::variant<KongConf, ConfProblem> parse(std::string_view text, ConfDialect dialect);

  /// The effective value of a key such as "plugins": the last one wins, even an empty one.
  /// nullopt when the file does not set it, so that Kong's default applies; "" when it is set to
  /// nothing.
  std::optional<std::string> value(std::string_view key) const;

  /// The setting that decides `key`, or nullptr. It lives as long as this object.
  const ConfSetting* find(std::string_view key) const;

  /// Everything Kong sees, in the order of the file, duplicates too. Lines without '=' and what
  /// stands below a [section] are not in it: Kong ignores them.
  const std::vector<ConfSetting>& settings() const { return settings_; }

  const std::vector<ConfSwallowed>& swallowed() const { return swallowed_; }

  /// The line of the first [section], from which on Kong ignores every setting.
  std::optional<std::size_t> section() const { return section_; }

  /// The line of a trailing '\' that no line follows: Kong loses what it ends, and a line that is
  /// appended to the file would be joined to it.
  std::optional<std::size_t> unfinished() const { return unfinished_; }

private:
  friend class KongConfReader;
  std::vector<ConfSetting> settings_;
  std::vector<ConfSwallowed> swallowed_;
  std::optional<std::size_t> section_;
  std::optional<std::size_t> unfinished_;
};

/// The items of a list value such as `plugins`, as Kong's arrays: split at every ',', each trimmed,
/// empty ones kept ("a," has two). No text has no item, and "," has one, as in Kong.
std::vector<std::string> split_list(std::string_view value);

/// Text without the blanks around it, as Lua's %s has them: space, \t, \n, \v, \f, \r.
std::string_view without_blanks(std::string_view text);

}  // namespace kongfleet::agent
