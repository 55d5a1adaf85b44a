// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/git_tree.hpp"

#include "controller/child_process.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr auto git_time = 120s;  // a cold repository on a slow disk
constexpr std::size_t listing_max = std::size_t{64} << 20;
constexpr std::size_t commit_max = 100;     // a SHA-256 in hexadecimal and a line's end
constexpr std::size_t blob_head_max = 150;  // "<oid> blob <size>\n" and the LF after the content

/// A file as `git ls-tree -l` lists it.
struct GitFile {
  std::string mode;
  std::string oid;
  std::uint64_t size;
  std::string path;
};

class GitReader {
public:
  explicit GitReader(const PluginSource& source) : source_(source), budget_(source.text) {
    tree_.root = source.text;
  }
  PluginTree read();

private:
  ChildResult git(std::vector<std::string> arguments, std::string_view input,
                  std::size_t output_max) const;
  [[noreturn]] void fail(const std::string& why) const {
    throw Error("git repository '" + source_.path.string() + "': " + why);
  }
  [[noreturn]] void refuse(const std::string& path, const std::string& why) const {
    throw Error("plugin tree '" + source_.text + "': '" + printable(path, 300) + "' " + why);
  }
  std::string commit() const;
  std::vector<GitFile> list(const std::string& commit);
  GitFile parse_entry(std::string_view entry) const;
  bool take(const GitFile& file);
  void fetch(const std::vector<GitFile>& files);

  const PluginSource& source_;
  TreeBudget budget_;
  PluginTree tree_;
  std::set<std::string> left_out_;
};

ChildResult GitReader::git(std::vector<std::string> arguments, std::string_view input,
                           std::size_t output_max) const {
  std::vector<std::string> argv = {"git", "-C", source_.path.string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_child(argv, input, {.output_bytes = output_max, .time = git_time});
}

std::string first_line(const std::string& text) {
  return printable(std::string_view(text).substr(0, text.find('\n')), 500);
}

std::string GitReader::commit() const {
  const auto result =
      git({"rev-parse", "--verify", "--quiet", source_.ref + "^{commit}"}, "", commit_max);
  if (result.exit_code != 0 && result.errors.empty()) {
    fail("it has no commit '" + source_.ref + "'");
  }
  if (result.exit_code != 0) fail(first_line(result.errors));
  return result.output.substr(0, result.output.find('\n'));
}

// "100644 blob 0123…  123\tkong/plugins/x/handler.lua"
GitFile GitReader::parse_entry(std::string_view entry) const {
  const auto tab = entry.find('\t');
  if (tab == std::string_view::npos) fail("'git ls-tree' wrote what was not expected");
  std::vector<std::string> words;
  for (auto head = entry.substr(0, tab); !head.empty();) {
    const auto start = std::min(head.find_first_not_of(' '), head.size());
    const auto end = std::min(head.find(' ', start), head.size());
    if (end > start) words.emplace_back(head.substr(start, end - start));
    head.remove_prefix(end);
  }
  if (words.size() != 4) fail("'git ls-tree' wrote what was not expected");
  std::uint64_t size = 0;  // stays so for a submodule's "-"
  std::from_chars(words[3].data(), words[3].data() + words[3].size(), size);
  return {words[0], words[2], size, std::string(entry.substr(tab + 1))};
}

// Whether the file goes into the release; remembers the outermost directory that keeps it out.
bool GitReader::take(const GitFile& file) {
  for (auto slash = file.path.find('/'); slash != std::string::npos;
       slash = file.path.find('/', slash + 1)) {
    const auto directory = file.path.substr(0, slash);
    if (belongs_to_release(directory, true)) continue;
    left_out_.insert(directory + "/");
    return false;
  }
  if (belongs_to_release(file.path, false)) return true;
  left_out_.insert(file.path);
  return false;
}

std::vector<GitFile> GitReader::list(const std::string& commit) {
  const auto tree = source_.directory.empty() ? commit : commit + ":" + source_.directory;
  const auto result = git({"ls-tree", "-r", "-l", "-z", "--full-tree", tree}, "", listing_max);
  if (result.exit_code != 0) {
    fail("commit '" + source_.ref + "' has no directory '" + source_.directory +
         "': " + first_line(result.errors));
  }
  std::vector<GitFile> files;
  bool has_plugins = false;
  bool handler_on_top = false;
  for (std::string_view rest = result.output; !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size());
    auto file = parse_entry(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (file.path.starts_with("kong/plugins/")) has_plugins = true;
    if (file.path == "handler.lua") handler_on_top = true;
    if (!take(file)) continue;
    if (file.mode == "120000") {
      refuse(file.path, "is a symbolic link; a release holds plain files, so put a copy there");
    }
    if (file.mode == "160000") refuse(file.path, "is a submodule; a release holds plain files");
    budget_.admit(file.path, file.size);
    files.push_back(std::move(file));
  }
  if (!has_plugins) refuse_layout(source_.text, {.handler_on_top = handler_on_top});
  return files;
}

void GitReader::fetch(const std::vector<GitFile>& files) {
  std::string wanted;
  std::size_t most = 0;
  for (const auto& file : files) {
    wanted += file.oid + "\n";
    most += static_cast<std::size_t>(file.size) + blob_head_max;
  }
  const auto result = git({"cat-file", "--batch"}, wanted, most);
  if (result.exit_code != 0) fail(first_line(result.errors));
  std::string_view rest = result.output;
  for (const auto& file : files) {
    const auto head = file.oid + " blob " + std::to_string(file.size) + "\n";
    if (!rest.starts_with(head) || rest.size() < head.size() + file.size + 1) {
      fail("'git cat-file' does not give '" + printable(file.path, 300) + "'");
    }
    rest.remove_prefix(head.size());
    const auto size = static_cast<std::size_t>(file.size);
    tree_.files.push_back({.path = file.path,
                           .mode = file.mode == "100755" ? 0755U : 0644U,
                           .content = std::string(rest.substr(0, size))});
    rest.remove_prefix(size + 1);
  }
}

PluginTree GitReader::read() {
  const auto id = commit();
  const auto files = list(id);
  fetch(files);
  tree_.left_out.assign(left_out_.begin(), left_out_.end());
  std::sort(tree_.files.begin(), tree_.files.end(),
            [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  return std::move(tree_);
}

}  // namespace

PluginTree read_git_tree(const PluginSource& source) { return GitReader(source).read(); }

}  // namespace kongfleet::controller
