// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_survey.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace kongfleet::controller {

namespace asio = boost::asio;

namespace {

constexpr std::size_t survey_max = std::size_t{64} << 10;
constexpr std::size_t value_max = 1024;
constexpr std::uint64_t free_kib_min = 100 * 1024;  // the agent, its ballast and a release or two

// Before it there is no "@system-service" in a SystemCallFilter=, which our units have.
constexpr unsigned systemd_min = 239;

/// Whether "MAJOR.MINOR…" is older than another; what is no version is not.
bool is_older(const std::string& version, unsigned than_major, unsigned than_minor) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = version.data() + version.size();
  const auto [dot, failed] = std::from_chars(version.data(), end, major);
  if (failed != std::errc() || dot == end || *dot != '.') return false;
  std::from_chars(dot + 1, end, minor);
  return major < than_major || (major == than_major && minor < than_minor);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string why_systemd_is_no_good(const HostSurvey& survey) {
  if (!survey.systemd) {
    return "no systemd runs there; install the agent by hand and start 'kongfleet-agent serve'";
  }
  const bool is_old = survey.systemd_version != 0 && survey.systemd_version < systemd_min;
  if (is_old && !survey.is_unfiltered) {
    return "its systemd is " + std::to_string(survey.systemd_version) +
           ", and the agent's units need 239; put the drop-in systemd-before-239.conf there for "
           "both of them first";
  }
  return {};
}

// An Include means nothing to an old sshd, which does not start with what it does not know.
std::string why_sshd_is_no_good(const HostSurvey& survey) {
  if (!survey.sshd_keeps_out.empty()) {
    return "its sshd keeps the login 'kongfleet' out (" + survey.sshd_keeps_out +
           "); change that there";
  }
  if (survey.sshd_forces_command) return {};
  if (is_older(survey.sshd_version, 8, 2)) {
    return "its sshd is OpenSSH " + survey.sshd_version +
           ", which reads one file only; append the Match block of sshd_config.d/kongfleet.conf "
           "to its sshd_config";
  }
  if (survey.sshd_reads_directory) return {};
  return "its sshd_config does not include /etc/ssh/sshd_config.d/*.conf, where the login of "
         "the controller is restricted; add that line";
}

bool lies_in_etc(const std::string& file) {
  return std::filesystem::path(file).parent_path() == "/etc";
}

/// Of what somebody configured it is the agent that says what is wrong with it.
std::string why_kong_is_no_good(const HostSurvey& survey) {
  if (survey.configured) return {};
  if (survey.prefixes.empty()) {
    return "no Kong runs there (no nginx master whose prefix has a .kong_env); start it first";
  }
  if (survey.prefixes.size() > 1) {
    return "more than one Kong runs there (" + joined(survey.prefixes) +
           "); write /etc/kongfleet/agent.toml for the one to be managed";
  }
  if (survey.binary.empty()) return "Kong runs, but there is no command 'kong' in PATH";
  if (survey.conf.empty()) {
    return "there is no kong.conf: the unit names none with -c, and there is neither "
           "/etc/kong/kong.conf nor /etc/kong.conf; write an empty /etc/kong/kong.conf";
  }
  const auto& files = survey.changed_files;
  const auto in_etc = std::find_if(files.begin(), files.end(), lies_in_etc);
  if (in_etc == files.end()) return {};
  return "a deploy changes " + *in_etc +
         ", and all of /etc is too much to open to the agent; move it to a directory of its own "
         "(kong.conf to /etc/kong/kong.conf, where Kong looks first) and have a unit that names it "
         "name it there";
}

/// What the agent's units may write as they are shipped.
bool is_open(const std::string& directory) {
  for (const std::string place : {"/etc/kong", "/usr/local/kong", "/var/lib/kongfleet"})
    if (directory == place || directory.starts_with(place + "/")) return true;
  return false;
}

/// Of a listener, "10.0.0.5:8001" or "[::1]:8001 reuseport", as far as one can be asked there in
/// plain HTTP; of a name it is none, nor of "off".
std::optional<asio::ip::address> address_of_listener(std::string_view listener) {
  const auto begin = std::min(listener.find_first_not_of(' '), listener.size());
  listener.remove_prefix(begin);
  const auto end = std::min(listener.find(' '), listener.size());
  const auto flags = std::string(listener.substr(end)) + " ";
  for (const auto* flag : {" ssl ", " proxy_protocol "})
    if (flags.find(flag) != std::string::npos) return std::nullopt;
  std::string host(listener.substr(0, std::min(listener.substr(0, end).rfind(':'), end)));
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code bad;
  const auto address = asio::ip::make_address(host, bad);
  return bad ? std::nullopt : std::optional(address);
}

/// The address at which the agent asks, by all listeners of an API, unless that is local: it takes
/// what is, where there is one, else the first.
std::string outer_address_of(std::string_view listeners) {
  std::string first;
  while (!listeners.empty()) {
    const auto end = std::min(listeners.find(','), listeners.size());
    const auto address = address_of_listener(listeners.substr(0, end));
    listeners.remove_prefix(std::min(end + 1, listeners.size()));
    if (!address) continue;
    if (address->is_loopback() || address->is_unspecified()) return "";
    if (first.empty()) first = address->to_string();
  }
  return first;
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
  const auto into_number = [](auto& field) -> Take {
    return [&field](const std::string& value) {
      std::from_chars(value.data(), value.data() + value.size(), field);
    };
  };
  const std::map<std::string, Take, std::less<>> takes = {
      {"root", when_yes(survey.root)},
      {"machine", into(survey.machine)},
      {"kernel", into(survey.kernel)},
      {"systemd", when_yes(survey.systemd)},
      {"systemd_version", into_number(survey.systemd_version)},
      {"unfiltered", when_yes(survey.is_unfiltered)},
      {"dpkg", when_yes(survey.has_dpkg)},
      {"rpm", when_yes(survey.has_rpm)},
      {"sshd_version", into(survey.sshd_version)},
      {"forced", when_yes(survey.sshd_forces_command)},
      {"sshd", when_yes(survey.sshd_reads_directory)},
      {"locked_out", into(survey.sshd_keeps_out)},
      {"free_kib", into_number(survey.free_kib)},
      {"agent", into(survey.agent)},
      {"installed", into(survey.installed)},
      {"socket", when_yes(survey.socket)},
      {"key", when_yes(survey.key)},
      {"configured", when_yes(survey.configured)},
      {"prefix", [&](const std::string& value) { survey.prefixes.push_back(value); }},
      {"changed", [&](const std::string& value) { survey.changed_files.push_back(value); }},
      {"role", into(survey.role)},
      {"admin_listen", into(survey.admin_listen)},
      {"status_listen", into(survey.status_listen)},
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
  if (is_older(survey.kernel, 3, 10)) {
    return "its kernel is " + survey.kernel + "; 3.10 is the oldest the agent runs on";
  }
  if (auto why = why_systemd_is_no_good(survey); !why.empty()) return why;
  if (auto why = why_sshd_is_no_good(survey); !why.empty()) return why;
  if (survey.free_kib < free_kib_min) {
    return "only " + std::to_string(survey.free_kib / 1024) + " MiB are free below /var/lib, " +
           std::to_string(free_kib_min / 1024) + " are needed";
  }
  return why_kong_is_no_good(survey);
}

std::vector<std::string> paths_to_open(const HostSurvey& survey) {
  std::set<std::string> paths;
  const auto open = [&](const std::string& directory) {
    if (directory.starts_with("/") && directory != "/" && !is_open(directory))
      paths.insert(directory);
  };
  for (const auto& file : survey.changed_files)
    if (!lies_in_etc(file)) open(std::filesystem::path(file).parent_path().string());
  // Sockets that a Kong which was killed left there are removed.
  if (!survey.prefixes.empty()) open(survey.prefixes.back());
  // Where the agent has both variables written to that are set in a place that is not the host's.
  if (survey.environment && !survey.unit.empty())
    paths.insert("/etc/systemd/system/" + survey.unit + ".d");
  return {paths.begin(), paths.end()};
}

std::vector<std::string> addresses_to_open(const HostSurvey& survey) {
  std::set<std::string> addresses;
  // A data plane has no Admin API, whatever it is told.
  if (survey.role != "data_plane") addresses.insert(outer_address_of(survey.admin_listen));
  addresses.insert(outer_address_of(survey.status_listen));
  addresses.erase("");
  return {addresses.begin(), addresses.end()};
}

std::string agent_toml_for(const HostSurvey& survey) {
  if (survey.configured) return {};
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
