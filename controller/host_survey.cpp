// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_survey.hpp"

#include "controller/shell_text.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <charconv>
#include <functional>
#include <map>

namespace kongfleet::controller {

namespace {

constexpr std::size_t survey_max = std::size_t{64} << 10;
constexpr std::size_t value_max = 1024;
constexpr std::uint64_t free_kib_min = 100 * 1024;  // the agent, its ballast and a release or two

// A master of Kong's says where its prefix is; `.kong_env` tells it from any other nginx.
constexpr std::string_view looks = R"sh(
say() { printf '%s=%s\n' "$1" "$2"; }
if [ "$(id -u)" -eq 0 ]; then say root yes; fi
say machine "$(uname -m)"
say kernel "$(uname -r)"
if [ -d /run/systemd/system ]; then say systemd yes; fi
for tool in dpkg rpm; do
  if command -v $tool >/dev/null; then say $tool yes; fi
done
if grep -qsiE '^[[:space:]]*Include[[:space:]].*/etc/ssh/sshd_config\.d/' /etc/ssh/sshd_config; then
  say sshd yes
fi
say free_kib "$(df -Pk /var/lib | awk 'NR == 2 { print $4 }')"
if command -v kongfleet-agent >/dev/null; then
  say agent "$(kongfleet-agent --version 2>/dev/null | head -n 1)"
fi
if [ -r /var/lib/kongfleet/bootstrapped ]; then
  say installed "$(head -c 64 /var/lib/kongfleet/bootstrapped)"
fi
if systemctl is-active --quiet kongfleet-agent.socket 2>/dev/null; then say socket yes; fi
if grep -qsF "$key" /etc/kongfleet/authorized_keys; then say key yes; fi
if [ -e /etc/kongfleet/agent.toml ]; then say configured yes; fi
unit=
for process in /proc/[0-9]*; do
  line=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
  case $line in
    'nginx: master process '*' -p '*) ;;
    *) continue ;;
  esac
  prefix=${line#* -p }
  prefix=${prefix%% *}
  prefix=${prefix%/}
  if [ ! -e "$prefix/.kong_env" ]; then continue; fi
  say prefix "$prefix"
  say role "$(sed -n 's/^role *= *//p' "$prefix/.kong_env")"
  unit=$(sed -n 's|^.*/\([^/]*\.service\)$|\1|p' "$process/cgroup" | head -n 1)
done
say unit "$unit"
conf=
if [ -n "$unit" ]; then
  conf=$(systemctl show -p ExecStart -p ExecStartPre -p ExecReload "$unit" |
    sed -n 's|.* -c \([^ ;]*kong[^ ;]*\.conf[^ ;]*\).*|\1|p' | head -n 1)
  files=$(systemctl show -p EnvironmentFiles --value "$unit" | sed 's/ (ignore_errors=.*//')
  if systemctl show -p Environment --value "$unit" | grep -qE 'KONG_(LUA_PACKAGE_PATH|PLUGINS)=' ||
    grep -qsE '^KONG_(LUA_PACKAGE_PATH|PLUGINS)=' $files /dev/null; then
    say environment yes
  fi
fi
if [ -z "$conf" ] && [ -e /etc/kong/kong.conf ]; then conf=/etc/kong/kong.conf; fi
say conf "$conf"
binary=$(command -v kong || true)
if [ -z "$binary" ] && [ -x /usr/local/bin/kong ]; then binary=/usr/local/bin/kong; fi
say binary "$binary"
if [ -n "$binary" ]; then say kong "$("$binary" version 2>/dev/null | head -n 1)"; fi
echo end=yes
)sh";

bool older_than_3_10(const std::string& kernel) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = kernel.data() + kernel.size();
  const auto [dot, failed] = std::from_chars(kernel.data(), end, major);
  if (failed != std::errc() || dot == end || *dot != '.') return false;
  std::from_chars(dot + 1, end, minor);
  return major < 3 || (major == 3 && minor < 10);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string why_kong_is_no_good(const HostSurvey& survey) {
  if (survey.prefixes.empty()) {
    return "no Kong runs there (no nginx master whose prefix has a .kong_env); start it first";
  }
  if (survey.prefixes.size() > 1 && !survey.configured) {
    return "more than one Kong runs there (" + joined(survey.prefixes) +
           "); write /etc/kongfleet/agent.toml for the one to be managed";
  }
  if (survey.binary.empty()) return "Kong runs, but there is no command 'kong' in PATH";
  if (survey.conf.empty() && !survey.configured) {
    return "there is no kong.conf: the unit names none with -c, and /etc/kong/kong.conf is not "
           "there; write an empty one";
  }
  return {};
}

std::string toml_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string survey_script(const std::string& key) {
  return "set -u\n" + std::string(shell_path) + "key=" + shell_quoted(key) + std::string(looks);
}

HostSurvey parse_survey(std::string_view text) {
  if (text.size() > survey_max) throw Error("the survey's answer is too long");
  HostSurvey survey;
  bool ended = false;
  using Take = std::function<void(const std::string&)>;
  const auto into = [](std::string& field) -> Take {
    return [&field](const std::string& value) { field = value; };
  };
  const auto when_yes = [](bool& field) -> Take {
    return [&field](const std::string& value) { field = value == "yes"; };
  };
  const std::map<std::string, Take, std::less<>> takes = {
      {"root", when_yes(survey.root)},
      {"machine", into(survey.machine)},
      {"kernel", into(survey.kernel)},
      {"systemd", when_yes(survey.systemd)},
      {"dpkg", when_yes(survey.has_dpkg)},
      {"rpm", when_yes(survey.has_rpm)},
      {"sshd", when_yes(survey.sshd_reads_directory)},
      {"free_kib",
       [&](const std::string& value) {
         std::from_chars(value.data(), value.data() + value.size(), survey.free_kib);
       }},
      {"agent", into(survey.agent)},
      {"installed", into(survey.installed)},
      {"socket", when_yes(survey.socket)},
      {"key", when_yes(survey.key)},
      {"configured", when_yes(survey.configured)},
      {"prefix", [&](const std::string& value) { survey.prefixes.push_back(value); }},
      {"role", into(survey.role)},
      {"unit", into(survey.unit)},
      {"conf", into(survey.conf)},
      {"binary", into(survey.binary)},
      {"kong", into(survey.kong)},
      {"environment", when_yes(survey.environment)},
      {"end", when_yes(ended)}};
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto name = line.substr(0, line.find('='));
    const auto take = takes.find(name);
    if (take == takes.end() || name.size() == line.size()) continue;  // a login's own words
    take->second(printable(line.substr(name.size() + 1), value_max));
  }
  if (!ended) throw Error("the survey ended early");
  return survey;
}

std::string why_unmanageable(const HostSurvey& survey) {
  if (!survey.root) {
    return "the login is not root there; use --sudo, or --login with another user";
  }
  if (survey.machine != "x86_64") return "its machine is " + survey.machine + ", not x86_64";
  if (older_than_3_10(survey.kernel)) {
    return "its kernel is " + survey.kernel + "; 3.10 is the oldest the agent runs on";
  }
  if (!survey.systemd) {
    return "no systemd runs there; install the agent by hand and start 'kongfleet-agent serve'";
  }
  if (!survey.sshd_reads_directory) {
    return "its sshd_config does not include /etc/ssh/sshd_config.d/*.conf, where the login of "
           "the controller is restricted; add that line";
  }
  if (survey.free_kib < free_kib_min) {
    return "only " + std::to_string(survey.free_kib / 1024) + " MiB are free below /var/lib, " +
           std::to_string(free_kib_min / 1024) + " are needed";
  }
  return why_kong_is_no_good(survey);
}

std::string agent_toml_for(const HostSurvey& survey) {
  std::string text =
      "# What 'kongfleet bootstrap' found on this host. It is yours from now on: a bootstrap does\n"
      "# not change it again. All that can be said here: kongfleet-agent.toml(5).\n";
  text += "# It ran Kong " + printable(survey.kong, 100) +
          (survey.role.empty() ? "" : ", role " + printable(survey.role, 100)) + ".\n[kong]\n";
  if (!survey.conf.empty()) text += "conf = " + toml_text(survey.conf) + "\n";
  text += "prefix = " + toml_text(survey.prefixes.back()) + "\n";
  text += "binary = " + toml_text(survey.binary) + "\n";
  text += "unit = " + toml_text(survey.unit.empty() ? "none" : survey.unit) + "\n";
  if (survey.environment) text += "configure = \"environment\"\n";
  return text;
}

}  // namespace kongfleet::controller
