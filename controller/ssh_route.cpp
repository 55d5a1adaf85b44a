// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_route.hpp"

#include "controller/ssh_pattern.hpp"
#include "proto/names.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace kongfleet::controller {
namespace {

constexpr std::size_t jumps_max = 8;                                        // more is a loop
constexpr std::size_t name_max = 255;                                       // of a DNS name
constexpr const char* usual_keys[] = {"id_ed25519", "id_ecdsa", "id_rsa"};  // the cheapest first

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw LinkError(LinkFault::Config, "host '" + name + "': " + why);
}

/// Host names end up in messages with commands to copy, and users in requests: neither may be
/// anything but a plain name.
void check_host(const std::string& name, const std::string& asked) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:%").find(c) != std::string_view::npos;
  };
  if (name.empty() || name.size() > name_max || name.front() == '-' ||
      !std::all_of(name.begin(), name.end(), plain)) {
    refuse(asked, "'" + name +
                      "' is not a host name: letters, digits and . _ - : % make one, and "
                      "it does not begin with '-'");
  }
}

void check_user(const std::string& user, const std::string& asked) {
  const auto plain = [](char c) { return c > ' ' && c <= '~' && c != '\'' && c != '"'; };
  if (user.empty() || user.front() == '-' || !std::all_of(user.begin(), user.end(), plain)) {
    refuse(asked, "'" + user + "' is not a user name");
  }
}

std::string without_brackets(const std::string& name) {
  return name.starts_with('[') && name.ends_with(']') ? name.substr(1, name.size() - 2) : name;
}

/// A file name of ssh_config or the fleet with ~ and its tokens (ssh_config(5), TOKENS) put in.
std::string expanded(const std::string& text, const SshHop& hop, const SshSettings& settings) {
  std::string result;
  std::size_t at = 0;
  if (text.starts_with("~/")) {
    result = settings.home;
    at = 1;
  }
  for (; at < text.size(); ++at) {
    if (text[at] != '%') {
      result += text[at];
      continue;
    }
    const char token = ++at < text.size() ? text[at] : '\0';
    switch (token) {
      case '%':
        result += '%';
        break;
      case 'd':
        result += settings.home;
        break;
      case 'h':
        result += hop.host;
        break;
      case 'i':
        result += std::to_string(::getuid());
        break;
      case 'n':
        result += hop.name;
        break;
      case 'p':
        result += std::to_string(hop.port);
        break;
      case 'r':
        result += hop.user;
        break;
      case 'u':
        result += settings.local_user;
        break;
      default:
        refuse(hop.name, "'" + text + "' has a token that is not supported");
    }
  }
  return result;
}

/// One hop as it was asked for: everything but the name may be left open.
struct Wanted {
  std::string name;
  std::optional<std::uint16_t> port;
  std::optional<std::string> user;
  std::vector<std::string> identity_files;
};

struct Surroundings {
  const SshSettings& settings;
  const SshConfig& config;
};

void set_identities(SshHop& hop, const Wanted& wanted, const SshHostConfig& found,
                    const SshSettings& settings) {
  std::vector<std::string> files = wanted.identity_files;
  if (files.empty()) files = settings.identity_files;
  if (files.empty()) files = found.identity_files;
  files.erase(std::remove(files.begin(), files.end(), "none"), files.end());
  hop.identities_only = found.identities_only;
  hop.default_identities = files.empty() && found.identity_files.empty();
  if (hop.default_identities) {
    for (const char* key : usual_keys) files.push_back("~/.ssh/" + std::string(key));
  }
  for (const std::string& file : files) {
    hop.identity_files.push_back(expanded(file, hop, settings));
  }
}

void set_known_hosts(SshHop& hop, const SshHostConfig& found, const SshSettings& settings) {
  hop.known_hosts = settings.known_hosts;
  if (!hop.known_hosts.empty()) return;
  std::vector<std::string> files = found.user_known_hosts;
  if (files.empty()) files = {"~/.ssh/known_hosts", "~/.ssh/known_hosts2"};
  for (const std::string& file : files) {
    if (file != "none") hop.known_hosts.emplace_back(expanded(file, hop, settings));
  }
  hop.known_hosts.emplace_back("/etc/ssh/ssh_known_hosts");
  hop.known_hosts.emplace_back("/etc/ssh/ssh_known_hosts2");
}

SshHop make_hop(const Wanted& wanted, const SshHostConfig& found, const SshSettings& settings) {
  SshHop hop;
  hop.name = wanted.name;
  hop.host = without_brackets(found.host_name);
  check_host(hop.host, hop.name);
  hop.host_key_name = found.host_key_alias.value_or(hop.host);
  check_host(hop.host_key_name, hop.name);
  hop.port = wanted.port.value_or(found.port.value_or(22));
  // An alias stands for the key alone, so no port goes with it (as in ssh).
  hop.host_key_port = found.host_key_alias ? std::uint16_t{22} : hop.port;
  hop.user = wanted.user.value_or(found.user.value_or(settings.local_user));
  check_user(hop.user, hop.name);
  set_identities(hop, wanted, found, settings);
  set_known_hosts(hop, found, settings);
  return hop;
}

/// "[user@]host[:port]" or "ssh://[user@]host[:port]", with brackets around an IPv6 address that
/// has a port.
Wanted parse_jump(std::string_view text, const std::string& asked) {
  const std::string whole(text);
  if (text.starts_with("ssh://")) text.remove_prefix(6);
  Wanted wanted;
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    wanted.user = std::string(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || port == 0) {
      refuse(asked, "ProxyJump '" + whole + "': the port is not a number from 1 to 65535");
    }
    wanted.port = port;
    text = text.substr(0, colon);
  }
  wanted.name = without_brackets(std::string(text));
  check_host(wanted.name, asked);
  return wanted;
}

std::string jumps_of(const SshHostConfig& found, const std::string& asked) {
  if (found.proxy_command && lower_case(*found.proxy_command) != "none") {
    refuse(asked, "ssh_config says ProxyCommand, which is not supported: use ProxyJump");
  }
  const std::string jumps = found.proxy_jump.value_or("none");
  return lower_case(jumps) == "none" ? "" : jumps;
}

/// The jump hosts in `list`. Only the first is reached by its own configuration, the others through
/// the one before. `depth` counts jumps of jumps.
SshRoute jump_route(const std::string& list, const Wanted& target, const Surroundings& around,
                    std::size_t depth) {
  if (depth > jumps_max) refuse(target.name, "ProxyJump leads round in a circle");
  SshRoute route;
  for (const std::string& text : split_list(list, ',')) {
    const Wanted wanted = parse_jump(text, target.name);
    const SshHostConfig found = around.config.find(wanted.name);
    if (route.empty()) {
      route = jump_route(jumps_of(found, wanted.name), target, around, depth + 1);
    }
    route.push_back(make_hop(wanted, found, around.settings));
  }
  if (route.size() > jumps_max) refuse(target.name, "ProxyJump: more than 8 jump hosts");
  return route;
}

}  // namespace

SshRoute find_route(const HostAddress& host, const SshSettings& settings, const SshConfig& config) {
  const std::string name = without_brackets(host.name);
  check_host(name, host.name);
  const SshHostConfig found = config.find(name);
  Wanted wanted{name, host.port, host.user, host.identity_files};
  if (!wanted.port) wanted.port = found.port ? found.port : settings.port;
  if (!wanted.user) wanted.user = settings.user;
  SshRoute route = jump_route(jumps_of(found, name), wanted, {settings, config}, 0);
  route.push_back(make_hop(wanted, found, settings));
  return route;
}

}  // namespace kongfleet::controller
