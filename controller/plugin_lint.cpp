// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plugin_lint.hpp"

#include "controller/lua_handler.hpp"
#include "controller/suggestion.hpp"
#include "proto/bundled_plugins.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace kongfleet::controller {

namespace {

bool digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "1", "1.2" or "1.2.3": what Kong 3 takes for a VERSION (kong/db/dao/plugins.lua).
bool kong_version(std::string_view text) {
  std::size_t parts = 0;
  for (std::size_t start = 0; start <= text.size(); ++parts) {
    const auto end = std::min(text.find('.', start), text.size());
    if (!digits(text.substr(start, end - start))) return false;
    start = end + 1;
  }
  return parts <= 3;
}

bool integer(std::string_view text) {
  return digits(text.starts_with('-') ? text.substr(1) : text);
}

class Linter {
public:
  Linter(const PluginTree& tree, const LintSubject& subject)
      : tree_(tree), subject_(subject), home_("kong/plugins/" + subject.name.text() + "/") {
    for (const auto& file : tree.files) paths_.insert(file.path);
  }
  std::vector<Finding> run();

private:
  void error(const std::string& file, std::size_t line, std::string text) {
    findings_.push_back({Severity::Error, file, line, std::move(text)});
  }
  void warning(const std::string& file, std::size_t line, std::string text) {
    findings_.push_back({Severity::Warning, file, line, std::move(text)});
  }
  void layout();
  void handler(const TreeFile& file);
  void version(const TreeFile& file, const std::vector<LuaToken>& tokens);
  void lua_file(const TreeFile& file);
  void requires_of(const TreeFile& file);
  bool has_module(const std::string& module) const;

  const PluginTree& tree_;
  const LintSubject& subject_;
  const std::string home_;
  std::set<std::string_view> paths_;
  std::vector<Finding> findings_;
};

void Linter::layout() {
  const auto names = plugins_of(tree_);
  const bool present = std::find(names.begin(), names.end(), subject_.name.text()) != names.end();
  for (const std::string needed : {"handler.lua", "schema.lua"}) {
    if (tree_.find(home_ + needed) != nullptr) continue;
    std::string text = "is missing; Kong needs it to load the plugin";
    if (!present && !names.empty()) {
      text += " (the tree holds " + quoted_list(names) + " instead; is the name right?)";
    }
    error(home_ + needed, 0, text);
  }
  for (const auto& file : tree_.files) {
    if (!file.path.starts_with("kong/") || file.path.starts_with(home_)) continue;
    error(file.path, 0,
          "would replace a module of Kong or of another plugin; below kong/, this plugin has " +
              home_ + " and nothing else");
  }
  for (const auto& need : tree_.needs) {
    warning(need.file, need.line,
            "depends on '" + printable(need.rock, 200) +
                "', which is not installed with it; see that every host has it, unless it comes "
                "with Kong");
  }
  const bool replaces = is_bundled_plugin(subject_.name.text());
  if (replaces) {
    warning(home_ + "handler.lua", 0,
            "replaces the plugin '" + subject_.name.text() +
                "' that comes with Kong; give it another name unless that is meant");
  }
}

void Linter::version(const TreeFile& file, const std::vector<LuaToken>& tokens) {
  const auto fields = lua_fields(tokens, "VERSION");
  if (fields.empty()) {
    warning(file.path, 0, "has no VERSION; Kong 3 refuses to load it");
    return;
  }
  const auto found = handler_version(file.content);
  if (!found) return;
  const auto line = fields.front().line;
  if (!kong_version(*found)) {
    warning(file.path, line,
            "VERSION \"" + printable(*found, 100) +
                "\" is not of the form 1.2.3; Kong 3 refuses to load it");
  }
  if (subject_.version && subject_.version->text() != *found) {
    warning(file.path, line,
            "VERSION is \"" + printable(*found, 100) + "\", the release is called " +
                subject_.version->text() +
                "; Kong's Admin API shows the former, so it cannot confirm the latter");
  }
}

void Linter::handler(const TreeFile& file) {
  const auto tokens = lua_tokens(file.content);
  version(file, tokens);
  const auto priorities = lua_fields(tokens, "PRIORITY");
  if (priorities.empty()) {
    warning(file.path, 0, "has no PRIORITY; Kong 3 refuses to load it");
  } else if (const auto& text = priorities.front().text; text && !integer(*text)) {
    warning(file.path, priorities.front().line,
            "PRIORITY " + printable(*text, 100) + " is not an integer; Kong 3 refuses to load it");
  }
  const auto response = lua_fields(tokens, "response");
  if (response.empty()) return;
  for (const auto* phase : {"header_filter", "body_filter"}) {
    const auto other = lua_fields(tokens, phase);
    if (other.empty()) continue;
    error(file.path, response.front().line,
          "defines 'response' as well as '" + std::string(phase) + "' (line " +
              std::to_string(other.front().line) + "); Kong refuses to load both");
  }
}

bool Linter::has_module(const std::string& module) const {
  auto path = module;
  std::replace(path.begin(), path.end(), '.', '/');
  return paths_.contains(path + ".lua") || paths_.contains(path + "/init.lua");
}

void Linter::requires_of(const TreeFile& file) {
  const auto own = "kong.plugins." + subject_.name.text() + ".";
  for (const auto& required : lua_requires(lua_tokens(file.content))) {
    const auto& module = required.module;
    const auto shown = "'" + printable(module, 200) + "'";
    if (module == "kong.plugins.base_plugin") {
      warning(file.path, required.line,
              "requires " + shown + ", which Kong 3 no longer has; a plain table does there too");
    } else if (module.starts_with(own) && !has_module(module)) {
      error(file.path, required.line, "requires " + shown + ", which is not in the tree");
    } else if (!module.starts_with("kong.")) {
      auto top = module.substr(0, module.find('.')) + "/";
      const auto first = paths_.lower_bound(top);
      const bool ours = first != paths_.end() && first->starts_with(top);
      if (!ours || has_module(module)) continue;
      warning(file.path, required.line,
              "requires " + shown + ", which is not in the tree, although '" + top.append("' is"));
    }
  }
}

void Linter::lua_file(const TreeFile& file) {
  if (file.content.starts_with('\x1b')) {
    warning(file.path, 0,
            "is compiled Lua; it loads in one version of LuaJIT only, and nobody can review it");
    return;
  }
  if (file.content.starts_with("\xEF\xBB\xBF")) {
    warning(file.path, 1, "begins with a byte order mark; save it as plain UTF-8");
  }
  const auto crlf = file.content.find("\r\n");
  if (crlf != std::string::npos) {
    const auto before = std::string_view(file.content).substr(0, crlf);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    warning(file.path, static_cast<std::size_t>(line),
            "has Windows line ends; its digest changes when a tool converts them");
  }
  if (file.mode == 0755) {
    warning(file.path, 0, "is executable; a Lua module need not be (chmod -x)");
  }
  requires_of(file);
}

std::vector<Finding> Linter::run() {
  layout();
  for (const auto& file : tree_.files) {
    if (!file.path.ends_with(".lua")) continue;
    if (file.content.size() > lua_source_max) {
      warning(file.path, 0, "is larger than 2 MiB, and so was not looked at");
      continue;
    }
    if (file.path == home_ + "handler.lua") handler(file);
    lua_file(file);
  }
  std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return a.file != b.file ? a.file < b.file : a.line < b.line;
  });
  return std::move(findings_);
}

}  // namespace

std::vector<Finding> lint_plugin(const PluginTree& tree, const LintSubject& subject) {
  return Linter(tree, subject).run();
}

std::string text_of(const Finding& finding) {
  const auto line = finding.line == 0 ? "" : std::to_string(finding.line) + ":";
  const auto* kind = finding.severity == Severity::Error ? " error: " : " warning: ";
  return printable(finding.file, 300) + ":" + line + kind + finding.text;
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::Error; });
}

}  // namespace kongfleet::controller
