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
tar -xzf "$package" -C / --no-same-owner --no-overwrite-dir
systemd-sysusers kongfleet.conf >/dev/null
case $(getent shadow kongfleet | cut -d: -f2) in '!'*) usermod --password '*' kongfleet ;; esac
systemd-tmpfiles --create kongfleet.conf || true
snippet=/etc/ssh/sshd_config.d/kongfleet.conf
if [ -d ${snippet%/*} ] && [ ! -e $snippet ]; then
  cp /usr/share/kongfleet-agent/sshd_config.d/kongfleet.conf $snippet
  chmod 644 $snippet
  systemctl try-reload-or-restart ssh.service 2>/dev/null ||
    systemctl try-reload-or-restart sshd.service 2>/dev/null || true
fi
systemctl daemon-reload
systemctl enable --quiet kongfleet-recover.service
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

// A list of systemd's: '%' begins a specifier, and what has blanks stands between quotes.
std::string systemd_list(const std::vector<std::string>& paths) {
  std::string list;
  for (const auto& path : paths) {
    list += list.empty() ? "\"-" : " \"-";  // it need not be there
    for (const char c : path) {
      if (c == '"' || c == '\\') list += '\\';
      if (c == '%') list += '%';
      list += c;
    }
    list += '"';
  }
  return list;
}

std::string words_of(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

// Before the package: its units start with what is said here. Purged, the drop-ins go by their
// mark.
constexpr std::string_view open_paths = R"sh(
mark="# Written by 'kongfleet bootstrap'."
for name in kongfleet-agent kongfleet-recover; do
  [ -n "$paths" ] || break
  drop_in=/etc/systemd/system/$name.service.d/bootstrap-paths.conf
  mkdir -p "${drop_in%/*}"
  printf '%s\n[Service]\nReadWritePaths=%s\n' "$mark" "$paths" >"$drop_in"
done
)sh";

// The recovery at boot asks nobody.
constexpr std::string_view open_addresses = R"sh(
if [ -n "$addresses" ]; then
  drop_in=/etc/systemd/system/kongfleet-agent.service.d/bootstrap-addresses.conf
  mkdir -p "${drop_in%/*}"
  printf '%s\n[Service]\nIPAddressAllow=%s\n' "$mark" "$addresses" >"$drop_in"
fi
)sh";

// The unit that takes back at boot goes before Kong's. What says so was kong.conf once, a name that
// people use: it goes, unless somebody wrote more into it. A key goes on a line of its own.
constexpr std::string_view to_the_end = R"sh(
recover=kongfleet-recover.service
order=/etc/systemd/system/$recover.d/bootstrap-order.conf
former=${order%/*}/kong.conf
case $(cat "$former" 2>/dev/null) in
  "$mark
[Unit]
Before="*[[:space:]]*) ;;
  "$mark"*)
    rm "$former"
    systemctl daemon-reload
    ;;
esac
before=$(systemctl show -p Before $recover | sed 's/^Before=//' | tr ' ' '\n')
if [ -n "$unit" ] && ! printf '%s' "$before" | grep -qxF "$unit"; then
  mkdir -p "${order%/*}"
  printf '%s\n[Unit]\nBefore=%s\n' "$mark" "$unit" >"$order"
  systemctl daemon-reload
fi
keys=/etc/kongfleet/authorized_keys
if ! key_is_there; then
  if [ -s $keys ] && [ -n "$(tail -c 1 $keys)" ]; then echo >>$keys; fi
  printf 'restrict %s\n' "$key" >>$keys
fi
systemctl enable --quiet kongfleet-agent.socket
systemctl start kongfleet-agent.socket
told=$(sshd_told) || told=
if [ -n "$told" ] && ! is_forced; then
  echo "sshd does not restrict the login 'kongfleet' as /etc/ssh/sshd_config.d/kongfleet.conf" \
    "says: an Include below a Match, or another file before it?" >&2
  exit 1
fi
)sh";

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

std::string install_script(const AgentPackage& package, const InstallOrder& order) {
  const auto suffix = forms[static_cast<std::size_t>(package.kind)].suffix;
  return "set -eu\numask 022\n" + std::string(shell_path) + std::string(login_questions) +
         "key=" + shell_quoted(order.key) + "\ntoml=" + shell_quoted(order.toml) +
         "\nunit=" + shell_quoted(order.unit) +
         "\npaths=" + shell_quoted(systemd_list(order.paths)) +
         "\naddresses=" + shell_quoted(words_of(order.addresses)) + R"sh(
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
if [ -n "$toml" ] && [ ! -e /etc/kongfleet/agent.toml ]; then
  printf '%s' "$toml" >/etc/kongfleet/agent.toml.new
  mv /etc/kongfleet/agent.toml.new /etc/kongfleet/agent.toml
fi
)sh" + std::string(open_paths) +
         std::string(open_addresses) + install_lines(package.kind) + std::string(to_the_end) +
         "printf '%s\\n' " + package.digest.hex() + " >/var/lib/kongfleet/bootstrapped\n";
}

}  // namespace kongfleet::controller
