// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tree_fixture.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace kongfleet::controller {

namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory() {
  auto pattern = (fs::temp_directory_path() / "kongfleet-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw_errno("mkdtemp", pattern);
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchDirectory::write(const std::string& relative, std::string_view content) const {
  const auto path = path_ / relative;
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw Error("write '" + path.string() + "'");
  return path;
}

std::string ScratchDirectory::read(const std::string& relative) const {
  std::ifstream file(path_ / relative, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

fs::path ScratchDirectory::write_plugin(const std::string& relative,
                                        const std::string& name) const {
  for (const auto& file : good_tree(name).files) write(relative + "/" + file.path, file.content);
  return path_ / relative;
}

std::string good_handler() {
  return "local Handler = { PRIORITY = 1000, VERSION = \"1.0.0\" }\n"
         "function Handler:access(config) kong.log.debug(config.x) end\n"
         "return Handler\n";
}

std::string good_schema(const std::string& name) {
  return "return { name = \"" + name + "\", fields = { { config = { type = \"record\" } } } }\n";
}

PluginTree good_tree(const std::string& name) {
  PluginTree tree{.root = "tree"};
  tree.files.push_back({"kong/plugins/" + name + "/handler.lua", 0644, good_handler()});
  tree.files.push_back({"kong/plugins/" + name + "/schema.lua", 0644, good_schema(name)});
  return tree;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace kongfleet::controller
