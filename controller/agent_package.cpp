// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/agent_package.hpp"

#include "controller/shell_text.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <fstream>
#include <iterator>

namespace kongfleet::controller {

namespace {

constexpr std::uintmax_t package_bytes_max = std::uintmax_t{64} << 20;

struct Form {
  PackageKind kind;
  std::string_view suffix;
  std::string_view magic;
};

// dpkg: deb(5); rpm: its lead; gzip: RFC 1952.
constexpr Form forms[] = {{PackageKind::Deb, ".deb", "!<arch>\n"},
                          {PackageKind::Rpm, ".rpm", "\xed\xab\xee\xdb"},
                          {PackageKind::Tarball, ".tar.gz", "\x1f\x8b"}};

std::string read_bytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw Error("there is no such file");
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > package_bytes_max) throw Error("it is too large for a package of the agent");
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::string_view of_tarball = R"sh(
tar -xzf "$package" -C / --no-same-owner
systemd-sysusers kongfleet.conf >/dev/null
case $(getent shadow kongfleet | cut -d: -f2) in '!'*) usermod --password '*' kongfleet ;; esac
systemd-tmpfiles --create kongfleet.conf || true
snippet=/etc/ssh/sshd_config.d/kongfleet.conf
if [ ! -e $snippet ]; then
  cp /usr/share/kongfleet-agent/sshd_config.d/kongfleet.conf $snippet
  chmod 644 $snippet
  systemctl try-reload-or-restart ssh.service 2>/dev/null ||
    systemctl try-reload-or-restart sshd.service 2>/dev/null || true
fi
systemctl daemon-reload
systemctl enable --quiet kongfleet-agent.socket kongfleet-recover.service
systemctl start kongfleet-agent.socket
systemctl try-restart kongfleet-agent.service
)sh";

std::string install_lines(PackageKind kind) {
  switch (kind) {
    case PackageKind::Deb:
      return "DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i \"$package\" >&2\n";
    case PackageKind::Rpm:
      return "rpm -U --replacepkgs --oldpackage \"$package\" >&2\n";
    case PackageKind::Tarball:
      break;
  }
  return std::string(of_tarball);
}

}  // namespace

AgentPackage AgentPackage::read(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  const auto what = "package '" + printable(path.string(), 300) + "': ";
  for (const auto& form : forms) {
    if (!name.ends_with(form.suffix)) continue;
    try {
      auto bytes = std::make_shared<const std::string>(read_bytes(path));
      if (!bytes->starts_with(form.magic)) {
        throw Error("its content is not that of a " + std::string(form.suffix));
      }
      const auto digest = sha256(*bytes);
      return {form.kind, std::move(bytes), digest};
    } catch (const Error& error) {
      throw Error(what + error.what());
    }
  }
  throw Error(what +
              "a package of the agent ends with .deb, .rpm or .tar.gz; 'cpack -G DEB' in "
              "the build directory makes one");
}

std::string AgentPackage::why_not(const HostSurvey& survey) const {
  if (kind == PackageKind::Deb && !survey.has_dpkg) return "it has no dpkg for a .deb";
  if (kind == PackageKind::Rpm && !survey.has_rpm) return "it has no rpm for a .rpm";
  return {};
}

std::string install_script(const AgentPackage& package, const std::string& key,
                           const std::string& toml, const std::string& unit) {
  const auto suffix = forms[static_cast<std::size_t>(package.kind)].suffix;
  return "set -eu\numask 022\n" + std::string(shell_path) + "key=" + shell_quoted(key) +
         "\ntoml=" + shell_quoted(toml) + "\nunit=" + shell_quoted(unit) + R"sh(
mkdir -p /var/lib/kongfleet /etc/kongfleet
scratch=$(mktemp -d /var/lib/kongfleet/bootstrap.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
package=$scratch/kongfleet-agent)sh" +
         std::string(suffix) + "\nhead -c " + std::to_string(package.bytes->size()) +
         " >\"$package\"\nif [ \"$(sha256sum <\"$package\" | cut -d' ' -f1)\" != " +
         package.digest.hex() + R"sh( ]; then
  echo 'the package did not arrive whole' >&2
  exit 1
fi
if [ ! -e /etc/kongfleet/agent.toml ]; then
  printf '%s' "$toml" >/etc/kongfleet/agent.toml.new
  mv /etc/kongfleet/agent.toml.new /etc/kongfleet/agent.toml
fi
)sh" + install_lines(package.kind) +
         R"sh(
# The unit that takes back at boot goes before Kong's.
recover=kongfleet-recover.service
order=/etc/systemd/system/$recover.d/kong.conf
before=$(systemctl show -p Before --value $recover | tr ' ' '\n')
if [ -n "$unit" ] && ! printf '%s' "$before" | grep -qxF "$unit"; then
  mkdir -p "${order%/*}"
  printf '[Unit]\nBefore=%s\n' "$unit" >"$order"
  systemctl daemon-reload
fi
if ! grep -qsF "$key" /etc/kongfleet/authorized_keys; then
  printf 'restrict %s\n' "$key" >>/etc/kongfleet/authorized_keys
fi
systemctl is-active --quiet kongfleet-agent.socket
printf '%s\n' )sh" +
         package.digest.hex() + " >/var/lib/kongfleet/bootstrapped\n";
}

}  // namespace kongfleet::controller
