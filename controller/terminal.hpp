// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// How much of a terminal there is to write on, in columns and rows, and whether with colours.
struct Window {
  std::size_t width = 80;
  std::size_t height = 24;
  bool colours = false;
};

/// The ways a piece of text is told apart; no meaning hangs on a colour alone.
enum class Style { Plain, Faint, Good, Busy, Waiting, Bad, Strong };

/// One row of a terminal: what does not fit into `width` columns is cut, with '~' as its last
/// column. Takes printable UTF-8.
class Row {
public:
  explicit Row(const Window& window) : window_(window) {}
  Row& add(std::string_view text, Style style = Style::Plain);
  /// Blanks up to a column; one at least where something stands there already.
  Row& to(std::size_t column);
  std::size_t columns() const { return columns_; }
  std::size_t left() const { return window_.width - columns_; }
  const std::string& text() const { return text_; }

private:
  const Window window_;
  std::string text_;
  std::size_t columns_ = 0;
  bool cut_ = false;
};

/// Whether a person watches this descriptor in a terminal that understands cursor movements: TERM
/// is set and isn't "dumb".
bool is_screen(int descriptor);
/// Its size now. Colours unless NO_COLOR is set to something (no-color.org).
Window window_of(int descriptor);

}  // namespace kongfleet::controller
