// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/plugin_tree.hpp"
#include "proto/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// A directory of a test's own, removed with everything in it.
class ScratchDirectory {
public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// Writes a file, and the directories it needs; returns its path.
  std::filesystem::path write(const std::string& relative, std::string_view content) const;
  std::string read(const std::string& relative) const;
  /// Writes a plugin tree without any mistake below `relative`; returns its path.
  std::filesystem::path write_plugin(const std::string& relative, const std::string& name) const;

private:
  std::filesystem::path path_;
};

std::string good_handler();
std::string good_schema(const std::string& name);
/// handler.lua and schema.lua of `name`, in memory.
PluginTree good_tree(const std::string& name);

/// The text of the Error that `work` throws; "(no error)" when it throws none.
template <class Work>
std::string message_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

/// `text` with every `from` replaced by `to`: takes scratch paths out of messages.
std::string replaced(std::string text, const std::string& from, const std::string& to);

}  // namespace kongfleet::controller
