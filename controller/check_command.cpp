// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/check_command.hpp"

#include "controller/fleet_file.hpp"
#include "controller/lua_syntax.hpp"
#include "controller/release_source.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <ostream>

namespace kongfleet::controller {

namespace {

namespace json = boost::json;

// A file as one would open it.
std::string openable(const FleetPlugin& plugin, const std::string& file) {
  if (plugin.source.kind == SourceKind::Git) return plugin.source.text + ":" + file;
  return (plugin.source.path / file).string();
}

PluginReport check_plugin(const FleetPlugin& plugin,
                          const std::optional<std::filesystem::path>& lua) {
  PluginReport report{.name = plugin.name.text(), .source = plugin.source.text};
  try {
    auto material = read_plugin(plugin);
    report.left_out = material.tree.left_out;
    const auto version =
        material.manifest ? std::optional(material.manifest->version()) : plugin.version;
    report.findings = lint_plugin(material.tree, {.name = plugin.name, .version = version});
    if (lua) {
      const auto syntax = check_lua_syntax(material.tree, *lua);
      report.findings.insert(report.findings.end(), syntax.begin(), syntax.end());
    }
    for (auto& finding : report.findings) finding.file = openable(plugin, finding.file);
    if (has_errors(report.findings)) return report;
    report.manifest = release_of(plugin, std::move(material)).manifest;
  } catch (const Error& error) {
    report.error = error.what();
  }
  return report;
}

template <class Hosts, class Names>
bool used(const Hosts& hosts, Names names, const std::string& name) {
  return std::any_of(hosts.begin(), hosts.end(), [&](const FleetHost& host) {
    const auto& list = host.*names;
    return std::find(list.begin(), list.end(), name) != list.end();
  });
}

std::vector<std::string> notes_on(const Fleet& fleet) {
  std::vector<std::string> notes;
  for (const auto& plugin : fleet.plugins) {
    if (used(fleet.hosts, &FleetHost::plugins, plugin.name.text())) continue;
    notes.push_back("no group has the plugin '" + plugin.name.text() + "'");
  }
  for (const auto& probe : fleet.probes) {
    if (used(fleet.hosts, &FleetHost::probes, probe.name)) continue;
    notes.push_back("no group has the probe '" + probe.name + "'");
  }
  std::vector<std::string> unproved;
  for (const auto& host : fleet.hosts) {
    if (host.probes.empty() && !host.plugins.empty()) unproved.push_back(host.label());
  }
  if (!unproved.empty()) {
    notes.push_back(quoted_list(unproved) + (unproved.size() == 1 ? " has" : " have") +
                    " no probe: only Kong itself is asked whether it serves");
  }
  return notes;
}

void print_plugin(const PluginReport& plugin, std::ostream& out) {
  if (plugin.manifest) {
    const auto& manifest = *plugin.manifest;
    out << manifest.release() << ": " << counted(manifest.files().size(), "file") << ", "
        << counted(manifest.content_bytes(), "byte") << ", sha256 " << manifest.digest().brief()
        << ", from " << printable(plugin.source) << "\n";
  } else {
    out << plugin.name << ": no release, from " << printable(plugin.source) << "\n";
  }
  if (!plugin.left_out.empty()) out << "  left out: " << quoted_list(plugin.left_out) << "\n";
  for (const auto& finding : plugin.findings) out << "  " << text_of(finding) << "\n";
  if (!plugin.error.empty()) out << "  " << printable(plugin.error) << "\n";
}

}  // namespace

void print_check(std::ostream& out, const CheckReport& report) {
  const auto& fleet = report.fleet;
  out << "fleet " << fleet.name << ": " << counted(fleet.hosts.size(), "host");
  for (const auto& group : fleet.groups) {
    out << ", " << group.name << " has " << group.hosts.size();
  }
  out << "\n";
  std::size_t errors = 0;
  std::size_t warnings = 0;
  for (const auto& plugin : report.plugins) {
    print_plugin(plugin, out);
    if (!plugin.error.empty()) ++errors;
    for (const auto& finding : plugin.findings) {
      ++(finding.severity == Severity::Error ? errors : warnings);
    }
  }
  for (const auto& note : report.notes) out << "note: " << printable(note) << "\n";
  out << counted(errors, "error") << ", " << counted(warnings, "warning") << "\n";
}

namespace {

json::array strings(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(printable(text));
  return out;
}

json::object to_json(const PluginReport& plugin) {
  json::object out = {{"name", plugin.name}, {"source", printable(plugin.source)}};
  if (plugin.manifest) {
    out["version"] = plugin.manifest->version().text();
    out["digest"] = plugin.manifest->digest().hex();
    out["files"] = plugin.manifest->files().size();
    out["bytes"] = plugin.manifest->content_bytes();
  }
  out["left_out"] = strings(plugin.left_out);
  json::array findings;
  for (const auto& finding : plugin.findings) {
    json::object one = {{"severity", finding.severity == Severity::Error ? "error" : "warning"},
                        {"file", printable(finding.file)},
                        {"text", finding.text}};
    if (finding.line != 0) one["line"] = finding.line;
    findings.push_back(std::move(one));
  }
  out["findings"] = std::move(findings);
  if (!plugin.error.empty()) out["error"] = printable(plugin.error);
  return out;
}

}  // namespace

json::object check_json(const CheckReport& report) {
  json::array groups;
  for (const auto& group : report.fleet.groups) {
    groups.push_back(json::object{{"name", group.name}, {"hosts", group.hosts.size()}});
  }
  json::array plugins;
  for (const auto& plugin : report.plugins) plugins.push_back(to_json(plugin));
  return {{"schema", json_schema},
          {"command", "check"},
          {"ok", report.good()},
          {"fleet", report.fleet.name},
          {"hosts", report.fleet.hosts.size()},
          {"groups", std::move(groups)},
          {"plugins", std::move(plugins)},
          {"notes", strings(report.notes)}};
}

bool CheckReport::good() const {
  return std::all_of(plugins.begin(), plugins.end(),
                     [](const PluginReport& plugin) { return plugin.manifest.has_value(); });
}

CheckReport check_fleet(const std::filesystem::path& fleet_file) {
  CheckReport report{.fleet = load_fleet(fleet_file)};
  const char* path = std::getenv("PATH");
  const auto lua = find_lua(path == nullptr ? "" : path);
  for (const auto& plugin : report.fleet.plugins) {
    report.plugins.push_back(check_plugin(plugin, lua));
  }
  report.notes = report.fleet.notes;
  for (auto& note : notes_on(report.fleet)) report.notes.push_back(std::move(note));
  if (!lua && !report.plugins.empty()) {
    report.notes.emplace_back(
        "Lua syntax was not checked: there is no luajit here; hosts check it");
  }
  return report;
}

int run_check(const GlobalOptions& global, const Answer& answer) {
  try {
    const auto report = check_fleet(global.fleet_file);
    if (answer.format == OutputFormat::Json) {
      answer.out << json::serialize(check_json(report)) << "\n";
    } else {
      print_check(answer.out, report);
    }
    return report.good() ? 0 : 1;
  } catch (const Error& error) {
    answer_mistake(answer, "check", error.what());
    return 1;
  }
}

}  // namespace kongfleet::controller
