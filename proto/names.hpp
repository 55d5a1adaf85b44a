// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet {

/// A plugin's name as it stands in `plugins` of kong.conf: [a-z0-9][a-z0-9_-]{0,63}.
/// Kong itself has no rule; this one leaves nothing that its loader, nginx or a file system could
/// misread.
class PluginName {
public:
  static std::optional<PluginName> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const PluginName&) const = default;

private:
  explicit PluginName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A release's version: [A-Za-z0-9.+-]{1,64}, no leading '.' or '-'. Compared for equality, never
/// for order.
class Version {
public:
  static std::optional<Version> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const Version&) const = default;

private:
  explicit Version(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A file's path inside a plugin tree. Components of [A-Za-z0-9._-], 1 to 100 bytes, none beginning
/// with '.' or '-', at most 16 of them, 255 bytes in all: it cannot leave its directory, nor be
/// read as an option or as configuration.
class RelativePath {
public:
  static std::optional<RelativePath> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const RelativePath&) const = default;

private:
  explicit RelativePath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// Why RelativePath::parse says no, as the end of a sentence ("has a component '..'"); for a good
/// path, empty.
std::string why_bad_path(std::string_view text);

/// What names a fleet, a group or a probe: [A-Za-z0-9][A-Za-z0-9_.-]{0,63}.
bool is_plain_name(std::string_view text);

/// `text` with its ASCII letters in lower case, whatever the locale.
std::string lower_case(std::string_view text);

/// `text` made safe for a terminal or a log: one line, control bytes and what is not printable
/// ASCII or valid UTF-8 written as \xNN (bidirectional and other invisible characters too), at most
/// `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 8192);

}  // namespace kongfleet
