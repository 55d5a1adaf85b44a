// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// host_survey.hpp's part that runs on the hosts.
#include "controller/host_survey.hpp"
#include "controller/shell_text.hpp"

namespace kongfleet::controller {

namespace {

constexpr std::string_view of_host = R"sh(
say() { printf '%s=%s\n' "$1" "$2"; }
if [ "$(id -u)" -eq 0 ]; then say root yes; fi
say machine "$(uname -m)"
say kernel "$(uname -r)"
if [ -d /run/systemd/system ]; then
  say systemd yes
  say systemd_version "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
fi
drop_ins=/etc/systemd/system
if grep -qsE '^SystemCallFilter=[[:space:]]*$' $drop_ins/kongfleet-agent.service.d/*.conf &&
  grep -qsE '^SystemCallFilter=[[:space:]]*$' $drop_ins/kongfleet-recover.service.d/*.conf; then
  say unfiltered yes
fi
for tool in dpkg rpm; do
  if command -v $tool >/dev/null; then say $tool yes; fi
done
say free_kib "$(df -Pk /var/lib | awk 'NR == 2 { print $4 }')"
if command -v kongfleet-agent >/dev/null; then
  say agent "$(kongfleet-agent --version 2>/dev/null | head -n 1)"
fi
if [ -r /var/lib/kongfleet/bootstrapped ]; then
  say installed "$(head -c 64 /var/lib/kongfleet/bootstrapped)"
fi
if systemctl is-active --quiet kongfleet-agent.socket 2>/dev/null; then say socket yes; fi
if key_is_there; then say key yes; fi
)sh";

// What sshd would do with the login says sshd itself best; before our file is there, its Include.
// As sshd does: DenyUsers, AllowUsers, DenyGroups, AllowGroups; a HOST behind '@' may be ours.
constexpr std::string_view of_sshd = R"sh(
told=
if command -v sshd >/dev/null; then
  say sshd_version "$(sshd -V 2>&1 | sed -n 's/.*OpenSSH_\([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)"
  told=$(sshd_told)
fi
if is_forced; then say forced yes; fi
directory='"?(/etc/ssh/)?sshd_config\.d/\*(\.conf)?"?'
if grep -qsiE "^[[:space:]]*Include[[:space:]=](.*[[:space:]])?$directory([[:space:]]|\$)" \
  /etc/ssh/sshd_config; then
  say sshd yes
fi
set -f
listed() { printf '%s\n' "$told" | sed -n "s/^$1 //p"; }
is_among() {
  for name in $1; do
    for pattern in $2; do
      case $name in ${pattern%%@*}) return 0 ;; esac
    done
  done
  return 1
}
groups=$(id -Gn kongfleet 2>/dev/null || echo kongfleet)
for kind in User Group; do
  who=kongfleet
  if [ $kind = Group ]; then who=$groups; fi
  denied=$(listed "deny$(echo $kind | tr UG ug)s" | grep -v @)
  allowed=$(listed "allow$(echo $kind | tr UG ug)s")
  if is_among "$who" "$denied"; then
    say locked_out "Deny${kind}s $(echo $denied)"
  elif [ -n "$allowed" ] && ! is_among "$who" "$allowed"; then
    say locked_out "Allow${kind}s $(echo $allowed)"
  fi
done
set +f
)sh";

// A master of Kong's says where its prefix is; `.kong_env` tells it from any other nginx. Started
// by a login, cron or another service, it is in their unit without being what that unit runs.
constexpr std::string_view of_masters = R"sh(
configured=
if [ -e /etc/kongfleet/agent.toml ]; then
  configured=yes
  say configured yes
fi
own() {
  sed -n "s|^[[:space:]]*\(kong\.\)\{0,1\}$1[[:space:]]*=[[:space:]]*[\"']\([^\"']*\)[\"'].*|\2|p" \
    /etc/kongfleet/agent.toml 2>/dev/null | head -n 1
}
conf=$(own conf)
wanted=
if [ -n "$configured" ]; then
  wanted=$(own prefix)
  if [ -z "$wanted" ]; then
    wanted=$(sed -n 's/^prefix *= *\([^ #]*\).*/\1/p' "${conf:-/etc/kong/kong.conf}" 2>/dev/null |
      tail -n 1)
  fi
  wanted=${wanted:-/usr/local/kong}
  wanted=${wanted%/}
fi
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
  if [ -n "$wanted" ] && [ "$prefix" != "$wanted" ]; then continue; fi
  say prefix "$prefix"
  say role "$(sed -n 's/^role *= *//p' "$prefix/.kong_env")"
  for api in admin status; do
    listen=$(own $api)
    case $listen in
      '' | auto) listen=$(sed -n "s/^${api}_listen *= *//p" "$prefix/.kong_env") ;;
    esac
    say ${api}_listen "${listen#http://}"
  done
  unit=$(sed -n 's|^.*/\([^/]*\.service\)$|\1|p' "$process/cgroup" | head -n 1)
  main=
  if [ -n "$unit" ]; then main=$(systemctl show -p MainPID "$unit"); fi
  if [ "$main" != "MainPID=${process#/proc/}" ]; then unit=; fi
done
case $(own unit) in
  '' | auto) ;;
  none) unit= ;;
  *) unit=$(own unit) ;;
esac
say unit "$unit"
)sh";

// nginx and others have a -c, too: it counts behind `kong VERB` only.
constexpr std::string_view of_kong = R"sh(
conf_of_kong() {
  awk '{
    gsub(/["\047]/, " "); gsub(/;/, " ; ")
    of_kong = 0
    for (i = 1; i <= NF; i++) {
      if ($i == ";" || $i == "&&" || $i == "||") of_kong = 0
      if ($i ~ /(^|[\/=])kong$/ && $(i + 1) ~ /^(prepare|reload|start|restart)$/) of_kong = 1
      if (!of_kong) continue
      value = ""
      if ($i == "-c" || $i == "--conf") value = $(i + 1)
      if ($i ~ /^(-c|--conf)=/) value = substr($i, index($i, "=") + 1)
      if (value ~ /^\//) { print value; exit }
    }
  }'
}
has_ours() {
  sed '/^[[:space:]]*[#;]/d' "$1" 2>/dev/null |
    grep -qE '(^|[^A-Za-z0-9_])KONG_(LUA_PACKAGE_PATH|PLUGINS)='
}
environment=
in_files=
if [ -n "$unit" ]; then
  if [ -z "$conf" ]; then
    conf=$(systemctl show -p ExecStartPre -p ExecStart -p ExecReload "$unit" | conf_of_kong)
  fi
  files=$(systemctl show -p EnvironmentFiles "$unit" |
    sed 's/^EnvironmentFiles=//; s/ (ignore_errors=.*//')
  parts=$(systemctl show -p FragmentPath -p DropInPaths "$unit" | sed 's/^[^=]*=//')
  for file in $files $parts; do
    if has_ours "$file"; then in_files="$in_files $file"; fi
  done
  if [ -n "$in_files" ]; then environment=yes; fi
fi
if [ -n "$configured" ]; then
  environment=
  if [ "$(own configure)" = environment ]; then environment=yes; fi
fi
# As Kong looks for it; an agent whose agent.toml names none looks at the first place only.
places='/etc/kong/kong.conf /etc/kong.conf'
if [ -n "$configured" ]; then places=${places%% *}; fi
for file in $places; do
  if [ -z "$conf" ] && [ -e "$file" ]; then conf=$file; fi
done
say conf "$conf"
if [ -n "$environment" ]; then
  say environment yes
else
  in_files=$conf
fi
for file in $in_files; do
  case $file in
    /usr/lib/* | /lib/* | /run/*) ;;
    *) say changed "$(readlink -f "$file")" ;;
  esac
done
binary=$(command -v kong || true)
if [ -z "$binary" ] && [ -x /usr/local/bin/kong ]; then binary=/usr/local/bin/kong; fi
say binary "$binary"
if [ -n "$binary" ]; then say kong "$("$binary" version 2>/dev/null | head -n 1)"; fi
echo end=yes
)sh";

}  // namespace

std::string survey_script(const std::string& key) {
  std::string script = "set -u\n" + std::string(shell_path) + std::string(login_questions) +
                       "key=" + shell_quoted(key);
  for (const auto part : {of_host, of_sshd, of_masters, of_kong}) script += part;
  return script;
}

}  // namespace kongfleet::controller
