// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_sections.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <array>

namespace kongfleet::controller {

namespace {

constexpr std::string_view git_scheme = "git+file://";
constexpr std::string_view git_example = R"("git+file:///srv/plugins.git#v1.2.0")";
constexpr std::size_t ref_max = 200;

// What git allows in a ref and neither git nor a shell could take for anything else.
bool ref_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == '/' || c == '+';
}

PluginSource git_source(const TomlDocument& document, const TomlValue& value,
                        const std::string& text) {
  const auto hash = text.find('#');
  if (hash == std::string::npos || hash + 1 == text.size()) {
    document.fail(value.at, "found the repository \"" + printable(text, 200) +
                                "\" without a commit; name a tag, branch or commit: " +
                                std::string(git_example));
  }
  PluginSource source{.kind = SourceKind::Git, .text = text};
  source.path = text.substr(git_scheme.size(), hash - git_scheme.size());
  if (!source.path.is_absolute()) {
    document.fail(document.inside(value, git_scheme.size()),
                  "the repository's path is not absolute; there are three slashes in " +
                      std::string(git_example));
  }
  const auto colon = text.find(':', hash);
  source.ref = text.substr(hash + 1, colon == std::string::npos ? colon : colon - hash - 1);
  const bool good = !source.ref.empty() && source.ref.size() <= ref_max &&
                    source.ref.front() != '-' &&
                    std::all_of(source.ref.begin(), source.ref.end(), ref_char);
  if (!good) {
    document.fail(document.inside(value, hash + 1),
                  "found \"" + printable(source.ref, 200) +
                      "\" as a commit; it is the name of a tag or branch, or a hash");
  }
  if (colon != std::string::npos) {
    source.directory = text.substr(colon + 1);
    const auto problem = why_bad_path(source.directory);
    if (!problem.empty()) {
      document.fail(document.inside(value, colon + 1),
                    "the directory in the repository " + problem + "; write #REF:DIRECTORY");
    }
  }
  return source;
}

// Sources that one may well expect to work, and what to do instead.
void refuse_unread(const TomlDocument& document, const TomlValue& value, const std::string& text) {
  const auto shown = "found the source \"" + printable(text, 200) + "\"; ";
  if (text.find("://") != std::string::npos || text.starts_with("git+")) {
    document.fail(value.at, shown +
                                "nothing is fetched from the network: a source is a tree, a bundle "
                                "(.kfb), or " +
                                std::string(git_example));
  }
  if (text.ends_with(".rock") || text.ends_with(".rockspec")) {
    document.fail(value.at, shown +
                                "rocks are not read; unpack it and name the directory that holds "
                                "kong/, or pack that one into a bundle (.kfb)");
  }
  constexpr std::array<std::string_view, 6> archives = {".zip", ".tar",    ".tgz",
                                                        ".gz",  ".tar.xz", ".zst"};
  const bool archive = std::any_of(archives.begin(), archives.end(),
                                   [&](std::string_view ending) { return text.ends_with(ending); });
  if (archive) {
    document.fail(value.at, shown +
                                "archives are not read; unpack it and name the directory that "
                                "holds kong/, or use a bundle (.kfb)");
  }
}

}  // namespace

FleetPlugin read_plugin_entry(const TomlDocument& document, const TomlEntry& entry,
                              const FleetFilePlace& place) {
  const auto name = PluginName::parse(entry.key);
  if (!name) {
    document.fail(entry.at, "'" + printable(entry.key, 100) +
                                "' is not a plugin name; it has 1 to 64 small letters, digits, "
                                "'-' and '_', and begins with a letter or a digit");
  }
  const TomlFields fields(document, entry.value, "[plugins." + entry.key + "]");
  fields.allow_only({"source", "version"});
  const auto& value = fields.need("source", "source = \"plugins/" + entry.key + "\"");
  const auto& text = read_text(document, value, "source");
  FleetPlugin plugin{.name = *name, .where = document.where(entry.at)};
  if (text.starts_with(git_scheme)) {
    plugin.source = git_source(document, value, text);
  } else {
    refuse_unread(document, value, text);
    plugin.source = {.path = read_path(document, value, "source", place), .text = text};
  }
  if (const auto* version = fields.find("version")) {
    const auto& wanted = read_text(document, *version, "version");
    plugin.version = Version::parse(wanted);
    if (!plugin.version) {
      document.fail(version->at,
                    "found \"" + printable(wanted, 100) +
                        "\" as a version; it has 1 to 64 letters, digits, '.', '+' and '-', and "
                        "begins with a letter or a digit");
    }
  }
  return plugin;
}

}  // namespace kongfleet::controller
