// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/konnect_export.hpp"

#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "controller/lua_handler.hpp"
#include "proto/bundled_plugins.hpp"

#include <boost/json.hpp>

namespace kongfleet::controller {

namespace {

/// What Konnect has no place for, by its path below the plugin's own directory.
std::string konnect_refusal_of(std::string_view path) {
  if (path == "api.lua" || path.starts_with("api/")) {
    return "extends the Admin API, which Konnect does not support";
  }
  if (path == "dao.lua" || path == "daos.lua" || path.starts_with("daos/")) {
    return "defines entities of its own, which Konnect does not support";
  }
  if (path == "migrations.lua" || path.starts_with("migrations/")) {
    return "changes the database, and a data plane of Konnect's has none";
  }
  return "";
}

// Deeper than `return { name = … }` are names of other things.
template <class Object>
void object_to_name(const std::vector<LuaToken>& tokens, const PluginName& plugin, Object object) {
  std::size_t computed = 0;
  for (const auto& name : lua_fields(tokens, "name")) {
    if (name.depth > 1) continue;
    if (name.text && *name.text == plugin.text()) return;
    if (name.text) {
      return object(name.line, "has the name '" + printable(*name.text, 100) +
                                   "', by which Konnect would know the plugin '" + plugin.text() +
                                   "'");
    }
    if (computed == 0) computed = name.line;
  }
  object(computed,
         "states no name that can be read off, and Konnect knows the plugin by that: "
         "write name = \"" +
             plugin.text() + "\"");
}

void object_to_schema(const std::string& file, const std::string& content, const PluginName& plugin,
                      std::vector<Finding>& objections) {
  const auto object = [&](std::size_t line, std::string text) {
    objections.push_back({Severity::Error, file, line, std::move(text)});
  };
  if (content.size() > lua_source_max) return object(0, "is larger than 2 MiB");
  if (content.starts_with('\x1b')) object(0, "is compiled Lua; Konnect reads source");
  boost::system::error_code not_text;
  boost::json::parse(boost::json::serialize(boost::json::string(content)), not_text);
  if (not_text) object(0, "is not UTF-8, and so cannot be uploaded");
  const auto tokens = lua_tokens(content);
  for (const auto& token : tokens) {
    if (token.kind != LuaTokenKind::Name || token.text != "require") continue;
    object(token.line,
           "requires a module; Konnect takes a schema only that stands by itself: write what is "
           "needed of it into schema.lua");
  }
  if (const auto line = lua_file_arguments(tokens)) {
    object(*line,
           "uses '...', the name by which Kong loads a file; Konnect has only the text: write the "
           "plugin's name");
  }
  object_to_name(tokens, plugin, object);
}

}  // namespace

std::vector<Finding> konnect_objections(const Release& release) {
  const auto& plugin = release.manifest.name();
  const auto home = "kong/plugins/" + plugin.text() + "/";
  std::vector<Finding> objections;
  if (is_bundled_plugin(plugin.text())) {
    objections.push_back({Severity::Error, home + "handler.lua", 0,
                          "is a plugin '" + plugin.text() +
                              "' as Kong brings one; in Konnect a plugin's name must be its own"});
  }
  const auto& files = release.manifest.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& path = files[i].path.text();
    if (!path.starts_with(home)) continue;
    const auto refusal = konnect_refusal_of(std::string_view(path).substr(home.size()));
    if (!refusal.empty()) objections.push_back({Severity::Error, path, 0, refusal});
    if (path == home + "schema.lua") {
      object_to_schema(path, release.contents[i], plugin, objections);
    }
  }
  return objections;
}

ExportedFiles konnect_upload_of(const Release& release) {
  const auto objections = konnect_objections(release);
  if (!objections.empty()) {
    std::string all = "Konnect would not take " + release.manifest.release();
    const char* between = ": ";
    for (const auto& each : objections) {
      all += between + each.file + ":" + (each.line == 0 ? "" : std::to_string(each.line) + ":") +
             " " + each.text;
      between = "; ";
    }
    throw Declined(exit_code::refused, all);
  }
  const auto& files = release.manifest.files();
  const auto schema = "kong/plugins/" + release.manifest.name().text() + "/schema.lua";
  std::size_t i = 0;
  while (files[i].path.text() != schema) ++i;  // the lint saw to it that it is there
  const boost::json::object body = {{"lua_schema", release.contents[i]}};
  return {
      .files = {{.path = "plugin-schema.json", .content = boost::json::serialize(body) + "\n"}}};
}

}  // namespace kongfleet::controller
