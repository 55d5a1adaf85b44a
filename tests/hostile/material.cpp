// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/material.hpp"

#include "proto/digest.hpp"
#include "proto/error.hpp"

namespace kongfleet::hostile {

namespace {

const std::string handler_text = "return { PRIORITY = 1000, VERSION = '1.0.0' }\n";
const std::string schema_text = "return { name = 'greet', fields = {} }\n";

std::string line_of(const std::string& name, const std::string& content) {
  return "file 0644 " + std::to_string(content.size()) + " " + sha256(content).hex() +
         " kong/plugins/greet/" + name + "\n";
}

std::string head() { return "kongfleet-manifest 1\nname greet\nversion 1.0.0\n"; }

std::string files() {
  return line_of("handler.lua", handler_text) + line_of("schema.lua", schema_text);
}

}  // namespace

std::string good_manifest() { return head() + files(); }

std::string good_content() { return handler_text + schema_text; }

std::string file_line(const std::string& path, const std::string& mode, const std::string& size) {
  return "file " + mode + " " + size + " " + sha256("x").hex() + " " + path + "\n";
}

std::string with_last(const std::string& line) { return good_manifest() + line; }

std::string with_first(const std::string& line) { return head() + line + files(); }

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  if (at == std::string::npos) throw Error("the test's own text has no '" + what + "'");
  return text.replace(at, what.size(), by);
}

wire::ToAgent proposal(const std::vector<std::string>& manifests) {
  wire::ToAgent message;
  auto& propose = *message.mutable_propose();
  for (const auto& text : manifests) propose.add_manifests(text);
  return message;
}

std::string big_endian(std::uint64_t number, unsigned bytes) {
  std::string text;
  for (unsigned i = bytes; i > 0; --i) text += static_cast<char>(number >> (8 * (i - 1)) & 0xffU);
  return text;
}

std::string times(std::size_t count, const std::string& text) {
  std::string all;
  all.reserve(count * text.size());
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace kongfleet::hostile
