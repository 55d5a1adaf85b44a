// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/docker_export.hpp"

namespace kongfleet::controller {

namespace {

std::string dockerfile_of(const Manifest& manifest) {
  const auto& name = manifest.name().text();
  const auto home = "/opt/kong-plugins/" + name;
  std::string text =
      "# " + manifest.release() + ", sha256 " + manifest.digest().hex() +
      "\n# docker build --tag kong-" + name +
      " .\n# For another plugin beside it: build that one's with --build-arg KONG_IMAGE=kong-" +
      name +
      "\nARG KONG_IMAGE=kong:3.9\nFROM ${KONG_IMAGE}\n\nUSER root\n"
      "COPY lua/ " +
      home + "/\n";
  text += "LABEL org.opencontainers.image.title=\"" + name +
          "\" org.opencontainers.image.version=\"" + manifest.version().text() + "\"\n";
  // What the image has of them already, by another plugin's export say, stays.
  text += "ENV KONG_PLUGINS=\"${KONG_PLUGINS:-bundled}," + name + "\"\n";
  text += "ENV KONG_LUA_PACKAGE_PATH=\"" + home + "/?.lua;" + home +
          "/?/init.lua;${KONG_LUA_PACKAGE_PATH:-;}\"\n";
  return text +
         "USER kong\n\nHEALTHCHECK --interval=10s --timeout=10s --retries=10 "
         "CMD [\"kong\", \"health\"]\n";
}

}  // namespace

ExportedFiles docker_context_of(const Release& release) {
  ExportedFiles context{
      .files = {{.path = "Dockerfile", .content = dockerfile_of(release.manifest)}}, .alone = true};
  const auto& files = release.manifest.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    context.files.push_back({.path = "lua/" + files[i].path.text(),
                             .mode = files[i].mode,
                             .content = release.contents[i]});
  }
  return context;
}

}  // namespace kongfleet::controller
