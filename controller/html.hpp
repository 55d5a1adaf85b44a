// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kongfleet::controller {

/// `text` as content of an element or of an attribute in double quotes, whoever wrote it: nothing
/// in it is markup, and what is not printable is shown as \xNN. Line ends stay.
std::string html_text(std::string_view text, std::size_t limit = 65536);

/// HTML that is well-formed as XML too, written piece by piece: every element that is opened is
/// closed, and every text goes through html_text.
class Html {
public:
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;

  Html& open(std::string_view name, const Attributes& attributes = {});
  Html& close();
  Html& text(std::string_view text);
  /// An element that holds a text.
  Html& leaf(std::string_view name, std::string_view text, const Attributes& attributes = {});
  /// An element that holds nothing.
  Html& empty(std::string_view name, const Attributes& attributes = {});
  /// Our own markup, as it is.
  Html& raw(std::string_view markup);
  /// Closes what is still open.
  std::string done();

private:
  void tag(std::string_view name, const Attributes& attributes);
  std::string markup_;
  std::vector<std::string> open_;
};

}  // namespace kongfleet::controller
