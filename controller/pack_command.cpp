// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/pack_command.hpp"

#include "controller/bundle.hpp"
#include "controller/lua_syntax.hpp"
#include "controller/plugin_lint.hpp"
#include "controller/plugin_tree.hpp"
#include "controller/release_signing.hpp"
#include "controller/release_source.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <cstdlib>
#include <ctime>
#include <ostream>

namespace kongfleet::controller {

namespace {

PluginName name_of(const PackCommand& command, const PluginTree& tree) {
  if (command.name) return *command.name;
  const auto names = plugins_of(tree);
  const auto where = "plugin tree '" + tree.root + "': ";
  if (names.empty()) throw Error(where + "there is no plugin below kong/plugins/");
  if (names.size() > 1) {
    throw Error(where + "it holds the plugins " + quoted_list(names) +
                "; a bundle holds one, so give each a tree of its own");
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

ReleaseTerms terms_of(const SigningOrder& order) {
  const std::int64_t now = std::time(nullptr);
  ReleaseTerms terms{.fleet = order.fleet,
                     .serial = order.serial.value_or(static_cast<std::uint64_t>(now))};
  const auto* lifetime = std::get_if<std::chrono::milliseconds>(&order.expires);
  terms.expires = lifetime == nullptr
                      ? std::get<std::int64_t>(order.expires)
                      : now + std::chrono::duration_cast<std::chrono::seconds>(*lifetime).count();
  if (terms.expires <= now) {
    throw Error("a release that expires at " + expiry_text(terms.expires) +
                " has expired already; no host would take it");
  }
  return terms;
}

void print(const Release& release, const std::filesystem::path& bundle, const Answer& answer) {
  const auto& manifest = release.manifest;
  if (answer.format == OutputFormat::Text) {
    answer.out << "wrote " << bundle.string() << ": " << manifest.release() << ", "
               << counted(manifest.files().size(), "file") << ", "
               << counted(manifest.content_bytes(), "byte") << ", sha256 "
               << manifest.digest().hex() << "\n";
    if (const auto& terms = manifest.terms()) {
      answer.out << "signed for fleet " << terms->fleet << ", serial " << terms->serial
                 << ", to be taken until " << expiry_text(terms->expires) << "\n";
    }
    return;
  }
  boost::json::object document = {{"schema", json_schema},
                                  {"command", "pack"},
                                  {"ok", true},
                                  {"bundle", bundle.string()},
                                  {"name", manifest.name().text()},
                                  {"version", manifest.version().text()},
                                  {"digest", manifest.digest().hex()},
                                  {"files", manifest.files().size()},
                                  {"bytes", manifest.content_bytes()}};
  if (const auto& terms = manifest.terms()) {
    document["signed"] = {{"fleet", terms->fleet},
                          {"serial", terms->serial},
                          {"expires", expiry_text(terms->expires)}};
  }
  answer.out << boost::json::serialize(document) << "\n";
}

}  // namespace

int run_pack(const PackCommand& command, const Answer& answer) {
  try {
    auto tree = read_plugin_tree(command.tree);
    const auto name = name_of(command, tree);
    refuse_mistakes(tree, {.name = name, .version = command.version}, answer.err);
    const auto version = release_version(name, command.version, tree);
    std::optional<ReleaseTerms> terms;
    if (command.signing) terms = terms_of(*command.signing);
    auto release = make_release(name, version, std::move(tree), terms);
    if (command.signing) release.signature = sign_manifest(release.manifest, command.signing->key);
    const auto bundle = command.output.empty()
                            ? std::filesystem::path(name.text() + "-" + version.text() + ".kfb")
                            : command.output;
    write_bundle(bundle, release);
    print(release, bundle, answer);
    return 0;
  } catch (const Error& error) {
    answer_mistake(answer, "pack", error.what());
    return 1;
  }
}

}  // namespace kongfleet::controller
