// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/editor/penlight.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace kongfleet::agent {
namespace {

std::string_view take(std::string_view& text, std::size_t length) {
  if (length > text.size()) throw Error("read Penlight's answer: it is cut short");
  const auto part = text.substr(0, length);
  text.remove_prefix(length);
  return part;
}

std::string_view take_word(std::string_view& text) {
  const auto word = take(text, text.find('\0'));
  take(text, 1);
  return word;
}

std::size_t take_number(std::string_view& text) { return std::stoul(std::string(take_word(text))); }

std::optional<Reading> parse_answer(std::string_view said) {
  if (said == "error") return std::nullopt;
  Reading reading;
  while (!said.empty()) {
    const std::string key(take_word(said));
    std::string value(take(said, 1));
    const auto length = take_number(said);
    value += take(said, length);
    if (key == "plugins" && value[0] == 't') {
      for (auto items = take_number(said); items > 0; --items) {
        const auto size = take_number(said);
        reading.plugins.emplace_back(take(said, size));
      }
    }
    reading.values[key] = std::move(value);
  }
  return reading;
}

}  // namespace

Penlight::Penlight(const std::string& script) {
  int input[2];
  int output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) throw_errno("make a pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::string name = "luajit";
  std::string argument = script;
  char* const arguments[] = {name.data(), argument.data(), nullptr};
  errno = ::posix_spawnp(&process_, name.c_str(), &actions, nullptr, arguments, environ);
  if (errno != 0) throw_errno("start luajit (package luajit2)");
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  to_ = ::fdopen(input[1], "w");
  from_ = ::fdopen(output[0], "r");
}

Penlight::~Penlight() {
  std::fclose(to_);
  std::fclose(from_);
  ::waitpid(process_, nullptr, 0);
}

std::vector<Answer> Penlight::read(const std::vector<std::string>& texts) {
  std::fprintf(to_, "%zu\n", texts.size());
  for (const auto& text : texts) {
    std::fprintf(to_, "%zu\n", text.size());
    std::fwrite(text.data(), 1, text.size(), to_);
  }
  if (std::fflush(to_) != 0) throw_errno("write to luajit (is lua-penlight installed?)");
  std::vector<Answer> answers(texts.size());
  for (auto& answer : answers) {
    for (auto& reading : answer.readings) reading = parse_answer(read_block());
  }
  return answers;
}

std::string Penlight::read_block() {
  std::size_t length = 0;
  if (std::fscanf(from_, "%zu", &length) != 1 || std::fgetc(from_) != '\n') {
    throw Error("read from luajit: it ended (is lua-penlight installed?)");
  }
  std::string block(length, '\0');
  if (std::fread(block.data(), 1, length, from_) != length) {
    throw Error("read from luajit: it ended within an answer");
  }
  return block;
}

}  // namespace kongfleet::agent
