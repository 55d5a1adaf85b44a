// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rockspec.hpp"

#include "controller/lua_constants.hpp"
#include "proto/error.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

using Kind = LuaConstant::Kind;

class SpecReader {
public:
  explicit SpecReader(const std::string& shown) : shown_(shown) {}
  void files_of(const LuaConstant& build, std::vector<RockspecFile>& files) const;
  std::vector<TreeNeed> needs_of(const LuaConstant& spec) const;

private:
  [[noreturn]] void fail(std::size_t line, const std::string& what) const {
    throw Error(shown_ + ":" + std::to_string(line) + ": " + what);
  }
  void refuse_work(const LuaConstant& build) const;
  void module(const LuaMember& module, std::vector<RockspecFile>& files) const;
  void installed(const LuaMember& place, std::vector<RockspecFile>& files) const;
  RockspecFile copied(const LuaConstant& from, std::string to) const;

  const std::string& shown_;
};

void SpecReader::refuse_work(const LuaConstant& build) const {
  const auto* type = build.find("type");
  if (type != nullptr && type->text != "builtin" && type->text != "module") {
    fail(type->line, "build.type is '" + printable(type->text, 60) +
                         "', which runs commands; only \"builtin\" is read: list the Lua files in "
                         "build.modules");
  }
  for (const auto* field : {"platforms", "patches"}) {
    if (const auto* found = build.find(field)) {
      fail(found->line, "build." + std::string(field) +
                            " is not read; a release is the same files on every host");
    }
  }
}

RockspecFile SpecReader::copied(const LuaConstant& from, std::string to) const {
  std::string path = from.text;
  while (path.starts_with("./")) path.erase(0, 2);
  for (const auto& each : {path, to}) {
    const auto problem = why_bad_path(each);
    if (!problem.empty()) fail(from.line, "'" + printable(each, 200) + "' " + problem);
  }
  return {.from = std::move(path), .to = std::move(to), .line = from.line};
}

std::string path_of_module(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return name;
}

std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void SpecReader::module(const LuaMember& module, std::vector<RockspecFile>& files) const {
  const auto& [name, from] = module;
  const auto shown = "module '" + printable(name, 200) + "' ";
  if (from.kind == Kind::Other) fail(from.line, shown + "is neither a file nor a list of them");
  if (from.kind == Kind::Table || !from.text.ends_with(".lua")) {
    fail(from.line, shown +
                        "is not a Lua file: what must be compiled fits one kind of host and one "
                        "build of LuaJIT, so install it there by other means");
  }
  auto to = path_of_module(name);
  const bool init = file_name_of(from.text) == "init.lua" && !name.ends_with(".init");
  files.push_back(copied(from, to.append(init ? "/init.lua" : ".lua")));
}

void SpecReader::installed(const LuaMember& place, std::vector<RockspecFile>& files) const {
  const auto& [name, from] = place;
  if (from.kind != Kind::String) fail(from.line, "build.install.lua holds something not a file");
  auto to = path_of_module(name);
  if (from.text.ends_with(".lua")) {
    to += ".lua";
  } else {
    to.erase(to.rfind('/') == std::string::npos ? 0 : to.rfind('/') + 1);
    to += file_name_of(from.text);
  }
  files.push_back(copied(from, std::move(to)));
}

void SpecReader::files_of(const LuaConstant& build, std::vector<RockspecFile>& files) const {
  refuse_work(build);
  const auto* modules = build.find("modules");
  const auto* install = build.find("install");
  const auto* lua = install == nullptr ? nullptr : install->find("lua");
  if (install != nullptr && install->find("lib") != nullptr) {
    fail(install->find("lib")->line,
         "build.install.lib holds what was compiled; it fits one kind of host, so install it there "
         "by other means");
  }
  if (modules != nullptr) {
    if (!modules->listed.empty()) {
      fail(modules->listed.front().line,
           "a module without a name; write [\"kong.plugins.NAME.handler\"] = \"FILE\"");
    }
    for (const auto& each : modules->members) module(each, files);
  }
  if (lua != nullptr) {
    for (const auto& each : lua->members) installed(each, files);
    for (const auto& each : lua->listed) {
      files.push_back(copied(each, file_name_of(each.text)));
    }
  }
  if (files.empty()) {
    fail(build.line,
         "build.modules lists no file; write [\"kong.plugins.NAME.handler\"] = \"FILE\"");
  }
}

std::vector<TreeNeed> SpecReader::needs_of(const LuaConstant& spec) const {
  std::vector<TreeNeed> needs;
  const auto* dependencies = spec.find("dependencies");
  if (dependencies == nullptr) return needs;
  for (const auto& each : dependencies->listed) {
    const auto name = each.text.substr(0, each.text.find_first_of(" <>=~"));
    if (name != "lua") needs.push_back({file_name_of(shown_), each.line, each.text});
  }
  return needs;
}

}  // namespace

Rockspec read_rockspec(std::string_view text, const std::string& shown) {
  const auto spec = read_lua_constants(text, shown);
  const auto* build = spec.find("build");
  if (build == nullptr || build->kind != Kind::Table) {
    throw Error(shown +
                ":1: there is no table 'build'; a rockspec lists its files in build.modules");
  }
  const SpecReader reader(shown);
  Rockspec read{.needs = reader.needs_of(spec)};
  reader.files_of(*build, read.files);
  return read;
}

std::vector<TreeNeed> needs_of_rockspec(std::string_view text, const std::string& shown) {
  return SpecReader(shown).needs_of(read_lua_constants(text, shown));
}

}  // namespace kongfleet::controller
