// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rock_export.hpp"

#include "controller/ssh_hash.hpp"
#include "controller/zip_file.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>

namespace kongfleet::controller {

namespace {

constexpr std::string_view lua_ending = ".lua";
constexpr std::string_view init_file = "init.lua";
constexpr std::string_view init_ending = "/init.lua";

// It guards against accidents only; LuaRocks knows no other digest.
std::string md5_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_md5(), nullptr) != 1) {
    throw Error("OpenSSL does not give MD5, which a rock's manifest needs (is it in FIPS mode?)");
  }
  return hex_encoded({reinterpret_cast<const char*>(digest.data()), length});
}

std::string luarocks_version(const Release& release) {
  const auto& version = release.manifest.version().text();
  const bool good = std::all_of(version.begin(), version.end(), [](char c) {
    return c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (good) return version + "-1";
  throw Error("LuaRocks does not take the version " + version +
              "; it has letters, digits and dots there: give the rock one of its own with "
              "--release-version");
}

std::string dotted(std::string path) {
  if (path.find('.') != std::string::npos) {
    throw Error("'" + path +
                "' cannot be the path of a rock's module: a '.' stands for '/' there; rename it");
  }
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

// LuaRocks puts an init.lua into the directory that its key names, and takes ".init" at the key's
// end for the file's name.
std::string module_of(const std::string& path) {
  const auto ending = path.ends_with(init_ending) ? init_ending : lua_ending;
  const auto name = dotted(path.substr(0, path.size() - ending.size()));
  return ending == init_ending && name.ends_with(".init") ? name + ".init" : name;
}

// LuaRocks puts a file that is no *.lua into the directory its key names, under its own name; the
// key's last part is only there to make it one.
std::string key_of(const std::string& path, std::size_t number) {
  const auto slash = path.rfind('/');
  const auto directory = slash == std::string::npos ? "" : dotted(path.substr(0, slash)) + ".";
  return directory + "file" + std::to_string(number);
}

/// A directory of rock_manifest.
struct Listing {
  std::map<std::string, Listing> directories;
  std::map<std::string, std::string> digests;

  void add(std::string_view path, const std::string& digest) {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) {
      digests[std::string(path)] = digest;
    } else {
      directories[std::string(path.substr(0, slash))].add(path.substr(slash + 1), digest);
    }
  }
  std::string text(const std::string& indent) const {
    std::string all = "{\n";
    for (const auto& [name, listing] : directories) {
      all += indent + "   [\"" + name + "\"] = " + listing.text(indent + "   ") + ",\n";
    }
    for (const auto& [name, digest] : digests) {
      all += indent + "   [\"" + name + "\"] = \"" + digest + "\",\n";
    }
    return all + indent + "}";
  }
};

std::string table_of(const std::map<std::string, std::string>& paths, const std::string& indent) {
  std::string all = "{\n";
  for (const auto& [key, path] : paths) {
    all += indent + "   [\"" + key + "\"] = \"" + path + "\",\n";
  }
  return all + indent + "}";
}

bool in_dependencies(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(" ._-/<>=~,").find(c) != std::string_view::npos;
}

std::string dependencies_of(const std::vector<TreeNeed>& needs) {
  std::string all = "{\n   \"lua >= 5.1\",\n";
  for (const auto& need : needs) {
    const bool good = std::all_of(need.rock.begin(), need.rock.end(), in_dependencies);
    if (!good || need.rock.empty()) {
      throw Error(
          need.file + ":" + std::to_string(need.line) + ": '" + printable(need.rock, 200) +
          "' is nothing that LuaRocks can depend on; it has the form of 'lua-cjson >= 2.1'");
    }
    all += "   \"" + need.rock + "\",\n";
  }
  return all + "}";
}

std::string rockspec_of(const Release& release, const std::vector<TreeNeed>& needs,
                        const std::string& package, const std::string& version) {
  std::map<std::string, std::string> modules;
  std::map<std::string, std::string> others;
  for (const auto& file : release.manifest.files()) {
    const auto& path = file.path.text();
    if (path == init_file) {
      others["init"] = path;  // as a module it would come into a directory of that name
    } else if (!path.ends_with(lua_ending)) {
      others[key_of(path, others.size() + 1)] = path;
    } else if (!modules.emplace(module_of(path), path).second) {
      throw Error("'" + path + "' and '" + modules[module_of(path)] +
                  "' would be the same module of a rock; remove one of them");
    }
  }
  const auto& name = release.manifest.name().text();
  std::string text =
      "package = \"" + package + "\"\nversion = \"" + version +
      "\"\n-- 'luarocks make' takes what lies beside this file; nothing is fetched.\n"
      "source = {\n   url = \"file://.\",\n}\ndescription = {\n   summary = \"The Kong "
      "plugin " +
      name + "\",\n}\ndependencies = " + dependencies_of(needs) + "\nbuild = {\n" +
      "   type = \"builtin\",\n   modules = " + table_of(modules, "   ") + ",\n";
  if (!others.empty()) {
    text += "   install = {\n      lua = " + table_of(others, "      ") + ",\n   },\n";
  }
  return text + "}\n";
}

}  // namespace

ExportedFiles rock_of(const Release& release, const std::vector<TreeNeed>& needs) {
  const auto version = luarocks_version(release);
  const auto package = "kong-plugin-" + release.manifest.name().text();
  const auto stem = package + "-" + version;
  const TreeFile rockspec{.path = stem + ".rockspec",
                          .content = rockspec_of(release, needs, package, version)};
  std::vector<TreeFile> inside = {rockspec, {.path = "rock_manifest"}};
  Listing listing;
  listing.add(rockspec.path, md5_hex(rockspec.content));
  const auto& files = release.manifest.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    inside.push_back({.path = "lua/" + files[i].path.text(),
                      .mode = files[i].mode,
                      .content = release.contents[i]});
    listing.add(inside.back().path, md5_hex(release.contents[i]));
  }
  inside[1].content = "rock_manifest = " + listing.text("") + "\n";
  return {.files = {rockspec, {.path = stem + ".all.rock", .content = zip_of(inside)}}};
}

}  // namespace kongfleet::controller
