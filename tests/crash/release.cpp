// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/release.hpp"

#include "tests/crash/tiny_settings.hpp"

namespace kongfleet::crash {

std::string Release::missing(const std::vector<std::string>& digests) const {
  std::string text;
  for (const auto& digest : digests) text += contents.at(digest);
  return text;
}

Release make_release(const std::string& version, Handler handler) {
  const std::string mark =
      handler == Handler::Good ? "" : "-- " + std::string(broken_in_master_mark);
  const std::map<std::string, std::string> texts{
      {"kong/plugins/greet/handler.lua",
       mark + "\nlocal H = { PRIORITY = 1000, VERSION = \"" + version +
           "\" }\nfunction H:access() require(\"kong.plugins.greet.lazy\")() end\nreturn H\n"},
      {"kong/plugins/greet/schema.lua", "return { name = \"greet\", fields = {} }\n"},
      {"kong/plugins/greet/lazy.lua", "-- of " + version + "\nreturn require(\"greet.words\")\n"},
      {"greet/words.lua", "return function() return \"hello\" end\n"},
  };
  std::vector<ManifestFile> files;
  std::map<std::string, std::string> contents;
  for (const auto& [path, text] : texts) {
    files.push_back({*RelativePath::parse(path), text.size(), 0644, sha256(text)});
    contents[sha256(text).hex()] = text;
  }
  return {Manifest::build(*PluginName::parse("greet"), *Version::parse(version), std::move(files)),
          std::move(contents)};
}

}  // namespace kongfleet::crash
