// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace kongfleet::controller {

namespace {

const char* escape_of(Style style) {
  switch (style) {
    case Style::Plain:
      return "";
    case Style::Faint:
      return "\x1b[2m";
    case Style::Good:
      return "\x1b[32m";
    case Style::Busy:
      return "\x1b[36m";
    case Style::Waiting:
      return "\x1b[33m";
    case Style::Bad:
      return "\x1b[1;31m";
    case Style::Strong:
      return "\x1b[1m";
  }
  return "";
}

/// One character from the front of UTF-8 text, and the columns it takes.
struct Character {
  std::string_view bytes;
  std::size_t columns;
};

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // From U+1100 on there are characters twice as wide as others; that all of them are is the safe
  // guess.
  const bool wide = size == 4 || (size == 3 && lead >= 0xE1);
  return {text.substr(0, size), wide ? 2U : 1U};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Row& Row::add(std::string_view text, Style style) {
  if (cut_) return *this;
  const bool styled = window_.colours && style != Style::Plain && !text.empty();
  if (styled) text_ += escape_of(style);
  while (!text.empty() && !cut_) {
    const auto next = first_character(text);
    text.remove_prefix(next.bytes.size());
    // The last column is for what follows, or for the sign that something does.
    const bool fits = columns_ + next.columns < window_.width ||
                      (columns_ + next.columns == window_.width && text.empty());
    cut_ = !fits;
    text_ += cut_ ? (columns_ < window_.width ? "~" : "") : next.bytes;
    columns_ += cut_ ? (columns_ < window_.width ? 1 : 0) : next.columns;
  }
  if (styled) text_ += "\x1b[0m";
  return *this;
}

Row& Row::to(std::size_t column) {
  const auto blanks = column > columns_ ? column - columns_ : std::size_t{columns_ > 0};
  return add(std::string(std::min(blanks, left()), ' '));
}

bool is_screen(int descriptor) {
  const auto terminal = variable("TERM");
  return ::isatty(descriptor) == 1 && !terminal.empty() && terminal != "dumb";
}

Window window_of(int descriptor) {
  Window window;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    window.width = size.ws_col;
    window.height = size.ws_row;
  }
  window.colours = variable("NO_COLOR").empty();
  return window;
}

}  // namespace kongfleet::controller
