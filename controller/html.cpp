// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/html.hpp"

#include "proto/names.hpp"

namespace kongfleet::controller {

namespace {

void add_escaped(std::string& to, std::string_view printable_text) {
  for (const char c : printable_text) {
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&quot;";
        break;
      case '\'':
        to += "&#39;";
        break;
      default:
        to += c;
    }
  }
}

}  // namespace

std::string html_text(std::string_view text, std::size_t limit) {
  std::string result;
  text = text.substr(0, limit);
  while (!text.empty()) {
    const auto end = text.find('\n');
    add_escaped(result, printable(text.substr(0, end), limit));
    if (end == std::string_view::npos) break;
    result += '\n';
    text.remove_prefix(end + 1);
  }
  return result;
}

void Html::tag(std::string_view name, const Attributes& attributes) {
  markup_ += "<" + std::string(name);
  for (const auto& [attribute, value] : attributes)
    markup_ += " " + std::string(attribute) + "=\"" + html_text(value) + "\"";
}

Html& Html::open(std::string_view name, const Attributes& attributes) {
  tag(name, attributes);
  markup_ += ">";
  open_.emplace_back(name);
  return *this;
}

Html& Html::close() {
  markup_ += "</" + open_.back() + ">\n";
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  markup_ += html_text(text);
  return *this;
}

Html& Html::leaf(std::string_view name, std::string_view text, const Attributes& attributes) {
  return open(name, attributes).text(text).close();
}

Html& Html::empty(std::string_view name, const Attributes& attributes) {
  tag(name, attributes);
  markup_ += "/>\n";
  return *this;
}

Html& Html::raw(std::string_view markup) {
  markup_ += markup;
  return *this;
}

std::string Html::done() {
  while (!open_.empty()) close();
  return std::move(markup_);
}

}  // namespace kongfleet::controller
