// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/checked_plugin.hpp"

#include "controller/lua_syntax.hpp"
#include "controller/plugin_lint.hpp"
#include "controller/release_source.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"

#include <cstdlib>
#include <ostream>

namespace kongfleet::controller {

namespace {

PluginName only_plugin_of(const PluginTree& tree) {
  const auto names = plugins_of(tree);
  const auto where = "plugin tree '" + tree.root + "': ";
  if (names.empty()) throw Error(where + "there is no plugin below kong/plugins/");
  if (names.size() > 1) {
    throw Error(where + "it holds the plugins " + quoted_list(names) +
                "; a release holds one, so give each a tree of its own");
  }
  const auto name = PluginName::parse(names.front());
  if (!name) {
    throw Error(where + "'" + printable(names.front(), 100) +
                "' is not a plugin name; it has 1 to 64 small letters, digits, '-' and '_', and "
                "begins with a letter or a digit");
  }
  return *name;
}

void refuse_mistakes(const PluginTree& tree, const LintSubject& subject, std::ostream& err) {
  auto findings = lint_plugin(tree, subject);
  const char* path = std::getenv("PATH");
  if (const auto lua = find_lua(path == nullptr ? "" : path)) {
    const auto syntax = check_lua_syntax(tree, *lua);
    findings.insert(findings.end(), syntax.begin(), syntax.end());
  }
  const Finding* first = nullptr;
  for (auto& finding : findings) {
    finding.file = tree.root + "/" + finding.file;
    if (finding.severity == Severity::Error && first == nullptr) {
      first = &finding;
    } else {
      err << text_of(finding) << "\n";
    }
  }
  if (first != nullptr) throw Error(text_of(*first));
}

}  // namespace

CheckedPlugin check_plugin(const PluginChoice& choice, std::ostream& err) {
  auto material = read_plugin_path(choice.source);
  auto& tree = material.tree;
  auto wanted = choice.version;
  if (!wanted && material.manifest) wanted = material.manifest->version();
  const auto name = choice.name ? *choice.name : only_plugin_of(tree);
  refuse_mistakes(tree, {.name = name, .version = wanted}, err);
  const auto version = release_version(name, wanted, tree);
  return {.name = name, .version = version, .tree = std::move(tree)};
}

}  // namespace kongfleet::controller
