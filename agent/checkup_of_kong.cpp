// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/checkup_of_kong.hpp"

#include "agent/lua_path.hpp"
#include "agent/preflight.hpp"
#include "agent/shell_command.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace kongfleet::agent {
namespace {

using Checks = std::vector<Check>;

constexpr std::array<std::string_view, 2> temporary{"/tmp/", "/var/tmp/"};
/// Behind every other drop-in, so that none of them has the last word.
constexpr std::string_view drop_in = "zz-kongfleet.conf";

Remedy remedy_of(const std::string& advice) {
  return {is_command(advice) ? RemedyKind::Host : RemedyKind::Edit, advice};
}

std::string place_and_text(const Finding& finding) {
  auto text = finding;
  text.advice.clear();
  return sentence(text);
}

CheckVerdict verdict_of(const Finding& finding) {
  return finding.warning ? CheckVerdict::Warning : CheckVerdict::Wrong;
}

std::string reload_of(const GatewayFacts& node) {
  if (!node.unit.empty()) return "systemctl reload " + shell_word(node.unit);
  const auto options = " -c " + shell_word(node.conf) + " -p " + shell_word(node.prefix);
  const auto kong = shell_word(node.binary);
  return kong + " prepare" + options + " && " + kong + " reload" + options;
}

/// Has Kong read one more line of kong.conf: of several for a key the last one counts. With other
/// variables than Kong was started with, its command would make another configuration of it.
Remedy set_in_conf(const GatewayFacts& node, const std::string& line) {
  const auto write = "printf '\\n%s\\n' '" + line + "' >>" + shell_word(node.conf);
  if (!node.unit.empty()) return {RemedyKind::Host, write + " && " + reload_of(node)};
  return {RemedyKind::Edit,
          write + ", then, with the variables that Kong was started with, " + reload_of(node)};
}

void check_version(const CheckupFacts& facts, Checks& checks) {
  const auto& version = facts.node.version;
  // 2.8 to 3.9 are those whose sources and running nodes were looked at.
  const bool old = !version_at_least(version, 2, 8);
  if (!old && !version_at_least(version, 3, 10)) {
    checks.push_back(right("kong", "Kong " + version + ", " + facts.node.role));
    return;
  }
  checks.push_back({"kong",
                    CheckVerdict::Warning,
                    "Kong " + version + (old ? " is older than 2.8" : " is newer than 3.9") +
                        ", and kongfleet was never tried with it",
                    "what a reload does, and how one sees it, changes between versions",
                    {RemedyKind::Edit, old ? "upgrade Kong" : "look for a newer kongfleet"}});
}

void check_running(const CheckupFacts& facts, Checks& checks) {
  const auto& node = facts.node;
  if (node.running) {
    const auto owner = node.unit.empty() ? "started by hand" : "by " + node.unit;
    checks.push_back(right("running", "Kong runs, " + owner));
  } else if (node.starting) {
    checks.push_back({"running",
                      CheckVerdict::Warning,
                      node.unit + " is about to start Kong",
                      "nothing can be proven before it runs",
                      {RemedyKind::Host, "systemctl status " + shell_word(node.unit)}});
  } else {
    auto remedy = Remedy{RemedyKind::Host, "systemctl start " + shell_word(node.unit)};
    if (node.unit.empty()) remedy = {RemedyKind::Edit, "start it as it is started on this host"};
    checks.push_back({"running", CheckVerdict::Wrong, "Kong is not running",
                      "nothing could be proven, so nothing is deployed", remedy});
  }
}

// What is about the unit's commands has checks of its own.
void check_configuration(const CheckupFacts& facts, Checks& checks) {
  const auto before = checks.size();
  for (const auto& finding : facts.overrides) {
    if (finding.code == "unit") continue;
    checks.push_back({"configuration", verdict_of(finding), place_and_text(finding),
                      finding.warning ? "more than was asked for comes into force with a deploy"
                                      : "what kongfleet writes would not be what Kong uses",
                      remedy_of(finding.advice)});
  }
  if (checks.size() == before)
    checks.push_back(right("configuration", "nothing overrides lua_package_path and plugins of '" +
                                                facts.node.managed_path().string() + "'"));
}

/// Writes a drop-in of a unit and has systemd read it.
std::string add_drop_in(const std::string& unit, const std::string& lines) {
  const auto directory = "/etc/systemd/system/" + unit + ".d";
  return "mkdir -p " + shell_word(directory) + " && printf '" + lines + "' >>" +
         shell_word(directory + "/" + std::string(drop_in)) + " && systemctl daemon-reload";
}

/// For a line of a unit file in printf's format in single quotes; nothing where quoting would go
/// too deep to be a command for people.
std::optional<std::string> prepare_line(const GatewayFacts& node) {
  const auto line =
      node.binary.string() + " prepare -c " + node.conf.string() + " -p " + node.prefix.string();
  const bool plain = line.find_first_of("'\"\\%$;") == std::string::npos;
  return plain ? std::optional(line) : std::nullopt;
}

void check_reload(const CheckupFacts& facts, Checks& checks) {
  const auto& node = facts.node;
  const auto& defect = facts.details.reload;
  if (!defect) {
    checks.push_back(
        right("reload", node.unit.empty()
                            ? "the agent has Kong prepare and reload itself"
                            : "a reload of " + node.unit + " reads '" + node.conf.string() + "'"));
    return;
  }
  auto remedy = remedy_of(defect->advice);
  if (const auto prepare = prepare_line(node))
    remedy = {RemedyKind::Host,
              add_drop_in(node.unit, "[Service]\\nExecReload=\\nExecReload=" + *prepare +
                                         "\\nExecReload=/bin/kill -HUP $MAINPID\\n")};
  checks.push_back({"reload", CheckVerdict::Wrong, place_and_text(*defect),
                    "a reload would go on with what Kong read before", remedy});
}

void check_boot(const CheckupFacts& facts, Checks& checks) {
  const auto before = checks.size();
  const std::string why =
      "after a power cut Kong could come up with what nobody confirmed, or not at all";
  if (const auto& defect = facts.details.start) {
    auto remedy = remedy_of(defect->advice);
    if (const auto prepare = prepare_line(facts.node))
      remedy = {RemedyKind::Host,
                add_drop_in(facts.node.unit, "[Service]\\nExecStartPre=" + *prepare + "\\n")};
    checks.push_back({"boot", CheckVerdict::Wrong, place_and_text(*defect), why, remedy});
  }
  if (const auto& defect = facts.details.recovery)
    checks.push_back(
        {"boot", verdict_of(*defect), place_and_text(*defect), why, remedy_of(defect->advice)});
  if (checks.size() == before)
    checks.push_back(right("boot", "Kong starts with what was confirmed last"));
}

void check_conf(const CheckupFacts& facts, Checks& checks) {
  const auto path = facts.node.managed_path().string();
  if (facts.conf_obstacle.empty()) {
    checks.push_back(right("conf", "'" + path + "' can be replaced"));
    return;
  }
  const Remedy otherwise{RemedyKind::Edit, "let the agent replace '" + path + "'"};
  checks.push_back({"conf", CheckVerdict::Wrong, statement_in(facts.conf_obstacle),
                    "nothing can be deployed here", remedy_in(facts.conf_obstacle, otherwise)});
}

bool is_temporary(const std::string& path) {
  return std::any_of(temporary.begin(), temporary.end(),
                     [&](std::string_view place) { return path.starts_with(place); });
}

/// What Kong reads below /tmp.
std::vector<std::string> temporary_files(const CheckupFacts& facts) {
  std::vector<std::string> found;
  for (const auto& entry : lua_path_entries(facts.node.effective_path))
    if (is_temporary(entry)) found.push_back("'" + entry + "' of lua_package_path");
  if (is_temporary(facts.details.declarative))
    found.push_back("declarative_config '" + facts.details.declarative + "'");
  for (const auto& place : facts.state)
    if (is_temporary(place.path.string())) found.push_back(quote(place.path) + " of the agent");
  return found;
}

void check_private_tmp(const CheckupFacts& facts, Checks& checks) {
  const auto found = temporary_files(facts);
  const auto& unit = facts.node.unit;
  if (!facts.details.private_tmp || found.empty()) {
    checks.push_back(right("private-tmp", facts.details.private_tmp
                                              ? unit + " has its own /tmp, and Kong reads nothing "
                                                       "of the host's"
                                              : "Kong sees the host's /tmp"));
    return;
  }
  for (const auto& place : found)
    checks.push_back({"private-tmp",
                      CheckVerdict::Wrong,
                      place + " is below /tmp, and " + unit + " has a /tmp of its own (PrivateTmp)",
                      "Kong does not see that file, whatever it is",
                      {RemedyKind::Edit,
                       "move it to where nothing is thrown away, such as below /var/lib, and name "
                       "it there"}});
}

/// For an API of Kong's that does not answer: the agent's unit has to let it speak to that address,
/// where the loopback does not lead there.
Remedy remedy_for_silence(const GatewayFacts& node, const std::string& api,
                          const std::string& outer) {
  // A literal address; of names systemd knows nothing.
  const bool literal = outer.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos &&
                       (outer.find(':') != std::string::npos ||
                        outer.find_first_not_of("0123456789.") == std::string::npos);
  if (outer.empty() || !literal)
    return {RemedyKind::Edit, "correct " + api + "_listen in " + node.conf.string() +
                                  ", or [kong] " + api + " in agent.toml"};
  const std::string unit = "kongfleet-agent.service";
  return {RemedyKind::Host, add_drop_in(unit, "[Service]\\nIPAddressAllow=" + outer + "\\n") +
                                " && systemctl try-restart " + unit};
}

void check_admin_api(const CheckupFacts& facts, Checks& checks) {
  const auto& node = facts.node;
  const auto& look = node.admin_look;
  Check check{"admin-api", CheckVerdict::Wrong, look.text, "", {}};
  switch (look.kind) {
    case AdminLook::Kind::Silent:
      check.text = "the Admin API, " + node.admin + ", does not answer: " + look.text;
      check.why = "what a reload has brought can't be proven";
      check.remedy = remedy_for_silence(node, "admin", node.admin_outer);
      break;
    case AdminLook::Kind::Wrong:
      check.why = "what a reload has brought can't be proven";
      check.remedy = remedy_for_silence(node, "admin", "");
      break;
    case AdminLook::Kind::Forbids:
      check.verdict = CheckVerdict::Warning;
      check.why = "which worker has what was rolled out is told by processes and log alone";
      check.remedy = {RemedyKind::Edit,
                      "where that is meant so, set [kong] admin = \"none\" in agent.toml"};
      break;
    default:
      check =
          right("admin-api", node.admin.empty() ? "Kong has no Admin API that the agent could ask"
                                                : "the Admin API is " + node.admin);
  }
  checks.push_back(std::move(check));
}

Remedy remedy_without_status_api(const CheckupFacts& facts) {
  if (!facts.details.status_by_unit)
    return set_in_conf(facts.node, "status_listen = 127.0.0.1:8007");
  return {RemedyKind::Edit, "have KONG_STATUS_LISTEN of " + facts.node.unit +
                                " say 127.0.0.1:8007, then systemctl daemon-reload and " +
                                reload_of(facts.node)};
}

void check_status_api(const CheckupFacts& facts, Checks& checks) {
  const auto& node = facts.node;
  if (node.status.empty()) {
    checks.push_back({"status-api", CheckVerdict::Warning, "Kong has no Status API",
                      "whether it is ready after a reload can't be compared with before",
                      remedy_without_status_api(facts)});
  } else if (node.running && !facts.details.status_answers) {
    checks.push_back({"status-api", CheckVerdict::Warning,
                      "the Status API, " + node.status + ", does not answer",
                      "whether Kong is ready after a reload can't be compared with before",
                      remedy_for_silence(node, "status", node.status_outer)});
  } else {
    checks.push_back(right("status-api", "the Status API is " + node.status));
  }
}

void check_shutdown_timeout(const CheckupFacts& facts, Checks& checks) {
  const std::string key = "nginx_main_worker_shutdown_timeout";
  const auto& node = facts.node;
  if (!facts.details.shutdown_timeout.empty()) {
    checks.push_back(right("shutdown-timeout", key + " = " + facts.details.shutdown_timeout));
    return;
  }
  checks.push_back({"shutdown-timeout", CheckVerdict::Warning, key + " is not set",
                    "after a reload old workers stay as long as their longest connection",
                    set_in_conf(node, key + " = 60s")});
}

/// What serves is the confirmed generation's; but to go back to generation 0 takes what served
/// then.
Remedy remedy_for_copy(const CheckupFacts& facts, const Finding& copy) {
  const bool needed = !facts.baseline || facts.baseline->lists(copy.plugin);
  if (!needed) return {RemedyKind::Host, "rm -r " + shell_word(copy.file)};
  return {RemedyKind::Edit,
          "leave it as long as one may go back to generation 0 (rollback --to 0, purge), which "
          "needs it"};
}

void check_copies(const CheckupFacts& facts, Checks& checks) {
  const auto before = checks.size();
  std::set<std::string> told;  // Lua's own directories may be on the path as well
  for (const auto& finding : facts.details.files) {
    if (finding.code != "shadow" && finding.code != "stale-copy") continue;
    if (!told.insert(finding.file).second) continue;
    const bool stale = finding.code == "stale-copy";
    checks.push_back({"copies", verdict_of(finding), place_and_text(finding),
                      stale ? "Kong would run other code than was rolled out"
                            : "Kong loads that instead of what is rolled out",
                      stale ? remedy_for_copy(facts, finding) : remedy_of(finding.advice)});
  }
  if (checks.size() == before)
    checks.push_back(right("copies", "no plugin of the fleet lies here a second time"));
}

void check_readable(const CheckupFacts& facts, Checks& checks) {
  const auto before = checks.size();
  for (const auto& finding : facts.details.files) {
    if (finding.code != "unreadable") continue;
    checks.push_back({"readable",
                      CheckVerdict::Wrong,
                      place_and_text(finding),
                      "a module that is required later would fail",
                      {RemedyKind::Host, "chmod o+rX " + shell_word(finding.file)}});
  }
  if (checks.size() == before)
    checks.push_back(right("readable", "Kong's workers can read what they are given"));
}

/// What other checks tell already.
std::set<std::string> told_elsewhere(const CheckupFacts& facts) {
  std::set<std::string> told;
  for (const auto& finding : facts.overrides) told.insert("configuration: " + sentence(finding));
  if (!facts.node.running) told.insert("workers: Kong is not running");
  return told;
}

void check_drift(const CheckupFacts& facts, Checks& checks) {
  const auto before = checks.size();
  const auto told = told_elsewhere(facts);
  for (const auto& drift : facts.drift) {
    if (told.contains(drift)) continue;
    checks.push_back({"drift",
                      CheckVerdict::Wrong,
                      drift,
                      "the host is not as it was left",
                      {RemedyKind::Controller, "kongfleet sync HOST"}});
  }
  if (checks.size() == before) checks.push_back(right("drift", "the host is as it was left"));
}

}  // namespace

Check right(const std::string& name, const std::string& text) {
  return {name, CheckVerdict::Right, text, "", {}};
}

std::string quote(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

std::string statement_in(const std::string& sentence) {
  return sentence.substr(0, sentence.find("; "));
}

Remedy remedy_in(const std::string& sentence, Remedy otherwise) {
  const auto at = sentence.find("; ");
  return at == std::string::npos ? std::move(otherwise) : remedy_of(sentence.substr(at + 2));
}

void judge_kong(const CheckupFacts& facts, Checks& checks) {
  if (!facts.unmanageable.empty()) {
    const Remedy otherwise{RemedyKind::Edit, "correct that, then check again"};
    checks.push_back({"kong", CheckVerdict::Wrong, statement_in(facts.unmanageable),
                      "nothing can be deployed here", remedy_in(facts.unmanageable, otherwise)});
    return;
  }
  for (const auto check :
       {check_version, check_running, check_configuration, check_reload, check_boot, check_conf,
        check_private_tmp, check_admin_api, check_status_api, check_shutdown_timeout, check_copies,
        check_readable, check_drift})
    check(facts, checks);
}

}  // namespace kongfleet::agent
