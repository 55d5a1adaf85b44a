// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/configuration_fixture.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

namespace kongfleet::agent::test {
namespace {

KongConf parsed(const std::string& text) {
  return std::get<KongConf>(KongConf::parse(text, ConfDialect::From32));
}

}  // namespace

ConfigurationFixture::ConfigurationFixture() {
  unit.name = "kong.service";
  unit.exec_start =
      "{ path=/usr/local/bin/kong ; argv[]=/usr/local/bin/kong prepare -p /usr/local/kong ; "
      "ignore_errors=no ; }\n{ path=/n/nginx ; argv[]=/n/nginx -p /usr/local/kong ; "
      "ignore_errors=no ; }\n";
  unit.exec_reload =
      "{ path=/usr/local/bin/kong ; argv[]=/usr/local/bin/kong prepare -p /usr/local/kong ; "
      "ignore_errors=no ; }\n{ path=/n/nginx ; argv[]=/n/nginx -p /usr/local/kong -s reload ; "
      "ignore_errors=no ; }\n";
  scene.conf = at("kong.conf");
  scene.by_default = true;
}

void ConfigurationFixture::write(const std::string& name, const std::string& text) const {
  fs::create_directories((directory_.path() / name).parent_path());
  std::ofstream(directory_.path() / name) << text;
}

void ConfigurationFixture::kong_conf(const std::string& text) {
  write("kong.conf", text);
  conf_ = parsed(text);
}

void ConfigurationFixture::kong_env(const std::string& text) { env_ = parsed(text); }

void ConfigurationFixture::unit_file(const std::string& name, const std::string& text) {
  write(name, text);
  const fs::path path = at(name);
  if (std::find(unit.files.begin(), unit.files.end(), path) == unit.files.end())
    unit.files.push_back(path);
}

ConfigurationScene ConfigurationFixture::look(KongUnit& read) const {
  read.variables = parse_manager_environment(manager);
  find_places(read.variables, directory_.path());
  read_environment(read);
  auto now = scene;
  now.configured = conf_ ? &*conf_ : nullptr;
  now.kong_env = env_ ? &*env_ : nullptr;
  now.unit = owned_ ? &read : nullptr;
  return now;
}

std::string ConfigurationFixture::told(const std::string& key) const {
  auto read = unit;
  const auto found = effective_value(look(read), key);
  const auto where = fs::path(found.file).lexically_relative(directory_.path()).string() + ":" +
                     std::to_string(found.line);
  switch (found.source) {
    case ValueSource::Default:
      return found.value + " by default";
    case ValueSource::KongConf:
      return found.value + " by " + where;
    case ValueSource::Manager:
      return found.value + " by systemd:" + where;
    case ValueSource::Unit:
      return found.value + " by unit:" + where;
    case ValueSource::EnvironmentFile:
      return found.value + " by environment file:" + where;
    case ValueSource::Unknown:
      return found.value + " by nobody knows";
  }
  return "";
}

std::string ConfigurationFixture::plain(std::string text) const {
  const auto ours = directory_.path().string() + "/";
  for (auto at = text.find(ours); at != std::string::npos; at = text.find(ours))
    text.erase(at, ours.size());
  return text;
}

std::string ConfigurationFixture::line_of(const Finding& finding) const {
  return plain(finding.file + ":" + std::to_string(finding.line) + ": " + finding.text + " (" +
               finding.advice + ")");
}

std::vector<std::string> ConfigurationFixture::obstacles() const {
  auto read = unit;
  std::vector<std::string> lines;
  for (const auto& finding : configuration_obstacles(look(read)))
    lines.push_back((finding.warning ? "warning: " : "") + line_of(finding));
  return lines;
}

std::string ConfigurationFixture::managed() const {
  auto read = unit;
  const auto found = environment_to_manage(look(read), directory_.path() / "etc");
  if (const auto* finding = std::get_if<Finding>(&found)) return line_of(*finding);
  const auto& file = std::get<ManagedFile>(found);
  const auto& lacks = file.elsewhere;
  return std::string(kind_name(file.kind)) + " " + plain(file.path.string()) +
         (lacks.lua_package_path ? ", lacks path " + *lacks.lua_package_path : "") +
         (lacks.plugins ? ", lacks plugins " + *lacks.plugins : "");
}

}  // namespace kongfleet::agent::test
