// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_words.hpp"

#include "proto/error.hpp"

namespace kongfleet::controller {

namespace {

constexpr std::string_view for_a_shell = "|&;<>()$`*?#";

bool space(char c) { return c == ' ' || c == '\t'; }

class Words {
public:
  explicit Words(std::string_view text) : text_(text) {}
  std::vector<std::string> split();

private:
  std::string word();
  void quoted(char mark, std::string& into);
  std::string_view text_;
  std::size_t at_ = 0;
};

void Words::quoted(char mark, std::string& into) {
  for (; at_ < text_.size(); ++at_) {
    char c = text_[at_];
    if (c == mark) {
      ++at_;
      return;
    }
    if (mark == '"' && c == '\\' && at_ + 1 < text_.size() &&
        (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) {
      c = text_[++at_];
    }
    into += c;
  }
  throw Error(std::string("the quote ") + mark + " is not closed");
}

std::string Words::word() {
  std::string word;
  while (at_ < text_.size() && !space(text_[at_])) {
    const char c = text_[at_++];
    if (c == '\'' || c == '"') {
      quoted(c, word);
    } else if (c == '\\' && at_ < text_.size()) {
      word += text_[at_++];
    } else if (for_a_shell.find(c) != std::string_view::npos) {
      throw Error(std::string("found '") + c +
                  "', and no shell reads this command; put it in quotes, or write "
                  R"(["sh", "-c", "…"])");
    } else {
      word += c;
    }
  }
  return word;
}

std::vector<std::string> Words::split() {
  std::vector<std::string> words;
  while (at_ < text_.size()) {
    if (space(text_[at_])) {
      ++at_;
    } else {
      words.push_back(word());
    }
  }
  if (words.empty() || words.front().empty()) throw Error("found no program to run");
  return words;
}

}  // namespace

std::vector<std::string> split_command(std::string_view text) { return Words(text).split(); }

}  // namespace kongfleet::controller
