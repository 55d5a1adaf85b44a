// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/recovery_unit.hpp"

#include "agent/shell_command.hpp"
#include "agent/unit_file.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <string>

namespace kongfleet::agent {
namespace {

/// Not a name that people, or a bootstrap, use. A purge takes it away.
constexpr std::string_view order_drop_in = "/zz-kongfleet-order.conf";
/// For a Kong that no unit starts: cron has one name or the other.
constexpr std::string_view may_start_kong = "rc-local.service cron.service crond.service";

std::map<std::string, std::string> properties_of(std::string_view shown) {
  std::map<std::string, std::string> properties;
  while (!shown.empty()) {
    const auto end = std::min(shown.find('\n'), shown.size());
    const auto line = shown.substr(0, end);
    const auto equals = std::min(line.find('='), line.size());
    properties[std::string(line.substr(0, equals))] =
        line.substr(std::min(equals + 1, line.size()));
    shown.remove_prefix(std::min(end + 1, shown.size()));
  }
  return properties;
}

bool is_within(const std::string& directory, std::string open) {
  open.erase(0, open.find_first_not_of("-+"));
  while (open.ends_with('/')) open.pop_back();
  return directory == open || directory.starts_with(open + "/");
}

bool is_closed(std::string_view shown, const std::filesystem::path& directory) {
  auto said = properties_of(shown);
  if (said["LoadState"] != "loaded" || said["ProtectSystem"] != "strict") return false;
  const auto open = words_of(said["ReadWritePaths"]);
  return std::none_of(open.begin(), open.end(), [&](const UnitWord& word) {
    return is_within(directory.string(), word.text);
  });
}

Finding closed_to(const std::string& unit, const std::filesystem::path& directory,
                  const std::string& consequence) {
  Finding finding;
  finding.code = "unit";
  finding.file = directory.string();
  finding.text = unit + " can't write here: " + consequence;
  finding.advice = way_to_open(directory).value_or(
      "add a drop-in for it with ReadWritePaths=" + directory.string() + " below [Service]");
  return finding;
}

}  // namespace

std::optional<Finding> recovery_defect(std::string_view shown,
                                       const std::filesystem::path& directory) {
  if (!is_closed(shown, directory)) return std::nullopt;
  return closed_to(recovery_unit, directory,
                   "after a power cut it could not take back what nobody confirmed");
}

std::optional<Finding> sockets_defect(std::string_view shown, const std::filesystem::path& prefix) {
  // A way through a link is open where it is named, and where it leads to is.
  std::error_code ignored;
  const auto itself = std::filesystem::weakly_canonical(prefix, ignored);
  const std::string consequence =
      "sockets that Kong leaves in its prefix when it is killed would stay, and keep it from "
      "starting";
  if (is_closed(shown, prefix) && is_closed(shown, itself))
    return closed_to(recovery_unit, prefix, consequence);
  struct statvfs info {};
  if (::statvfs(prefix.c_str(), &info) != 0 || (info.f_flag & ST_RDONLY) == 0) return std::nullopt;
  return closed_to("kongfleet-agent.service", prefix, consequence);
}

std::optional<Finding> recovery_unordered(std::string_view shown, const std::string& starter) {
  auto said = properties_of(shown);
  if (said["LoadState"] != "loaded") return std::nullopt;
  const auto before = words_of(said["Before"]);
  const auto ordered = [&](std::string_view unit) {
    return std::any_of(before.begin(), before.end(),
                       [&](const UnitWord& word) { return word.text == unit; });
  };
  const bool before_all = ordered("rc-local.service") && ordered("cron.service");
  if (starter.empty() ? before_all : ordered(starter)) return std::nullopt;
  Finding finding;
  finding.code = "unit";
  finding.text =
      std::string(recovery_unit) + " is not ordered before " +
      (starter.empty() ? "what starts Kong, which is no unit, but may be rc.local or cron"
                       : starter) +
      ": after a power cut Kong may start on what nobody confirmed";
  const auto directory = "/etc/systemd/system/" + std::string(recovery_unit) + ".d";
  const auto units = starter.empty() ? std::string(may_start_kong) : starter;
  finding.advice = "mkdir -p " + directory + " && printf '[Unit]\\nBefore=%s\\n' '" + units +
                   "' >>" + directory + std::string(order_drop_in) + " && systemctl daemon-reload";
  return finding;
}

std::string service_in(std::string_view cgroup) {
  constexpr std::string_view service = ".service";
  std::string_view path;
  while (!cgroup.empty()) {
    const auto line = cgroup.substr(0, cgroup.find('\n'));
    // Where systemd uses both kinds of hierarchy, one of them may say no more than "/".
    if (line.starts_with("0::") || line.find(":name=systemd:") != std::string_view::npos)
      path = std::max(path, line.substr(line.rfind(':') + 1));
    cgroup.remove_prefix(std::min(line.size() + 1, cgroup.size()));
  }
  while (!path.empty()) {
    const auto name = path.substr(0, path.find('/'));
    const bool by_people = name.starts_with("run-") || name == "ssh.service" ||
                           name == "sshd.service" || name.starts_with("user@");
    if (name.ends_with(service)) return by_people ? "" : std::string(name);
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
  return "";
}

std::optional<Finding> recovery_disabled(std::string_view shown) {
  auto said = properties_of(shown);
  const auto& state = said["UnitFileState"];
  if (said["LoadState"] == "not-found" || (state != "disabled" && state != "masked"))
    return std::nullopt;
  Finding finding;
  finding.code = "unit";
  finding.text = std::string(recovery_unit) + " is " + state +
                 ": after a power cut nobody takes back what was not confirmed";
  finding.advice =
      std::string("systemctl ") + (state == "masked" ? "unmask " : "enable ") + recovery_unit;
  return finding;
}

}  // namespace kongfleet::agent
