#!/bin/bash
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
# The units are right in systemd's own eyes, and closed as far as a root agent's can be.
set -euo pipefail
cd "$(dirname "$0")/../systemd"
exposure_max=20 # tenths

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{usr/bin,bin,etc,usr/lib/systemd/system,usr/lib/sysusers.d,usr/lib/tmpfiles.d}
# `verify` wants to see the program that a unit starts; it does not run it.
install -m 755 /bin/true "$root/usr/bin/kongfleet-agent"
cp ./*.service ./*.socket "$root/usr/lib/systemd/system/"
cp /usr/lib/systemd/system/*.target "$root/usr/lib/systemd/system/"

failed=0
fail() {
  echo "FAILED: $1" >&2
  failed=1
}

for unit in *.service *.socket; do
  said=$(systemd-analyze verify --root="$root" --man=no "$unit" 2>&1) || fail "verify $unit"
  [ -z "$said" ] || fail "verify $unit: $said"
done
# The controller's: one instance for each fleet.
install -m 755 /bin/true "$root/usr/bin/kongfleet"
for unit in kongfleet-sync@.service kongfleet-sync@.timer; do
  cp "controller/$unit" "$root/usr/lib/systemd/system/"
done
for unit in kongfleet-sync@edge.service kongfleet-sync@edge.timer; do
  said=$(systemd-analyze verify --root="$root" --man=no "$unit" 2>&1) || fail "verify $unit"
  [ -z "$said" ] || fail "verify $unit: $said"
done
cp controller/kongfleet-sync@.service "$root/kongfleet-sync@edge.service"
systemd-analyze security --offline=yes --no-pager --threshold=$exposure_max \
  "$root/kongfleet-sync@edge.service" | tail -1 || fail "the sync is more exposed than that"

for unit in *.service; do
  report=$(systemd-analyze security --offline=yes --no-pager --threshold=$exposure_max \
    "./$unit") ||
    fail "$unit is more exposed than $exposure_max tenths"
  tail -1 <<<"$report"
done

# The gates can fail: a unit without any protection, and one with a word that systemd does not know.
sed -n '/^\[Unit\]/,/^ExecStart/p' kongfleet-agent.service \
  >"$root/usr/lib/systemd/system/naked.service"
! systemd-analyze security --offline=yes --threshold=$exposure_max \
  "$root/usr/lib/systemd/system/naked.service" >/dev/null 2>&1 || fail "a naked unit passed"
sed 's/^ProtectSystem/ProtectSistem/' kongfleet-agent.service \
  >"$root/usr/lib/systemd/system/typo.service"
[ -n "$(systemd-analyze verify --root="$root" --man=no typo.service 2>&1)" ] ||
  fail "a unit with a misspelt key passed"

cp sysusers.d/kongfleet.conf "$root/usr/lib/sysusers.d/"
cp tmpfiles.d/kongfleet.conf "$root/usr/lib/tmpfiles.d/"
systemd-sysusers --root="$root" 2>/dev/null || fail "sysusers.d"
grep -q '^kongfleet:x:[0-9]*:[0-9]*:.*:/run/kongfleet:/bin/sh$' "$root/etc/passwd" ||
  fail "the user"
systemd-tmpfiles --root="$root" --create kongfleet.conf || fail "tmpfiles.d"
[ "$(stat -c %a "$root/var/lib/kongfleet")" = 755 ] || fail "the state directory"

ssh-keygen -q -t ed25519 -N '' -f "$root/key"
mkdir -p /run/sshd
got=$(sshd -T -f sshd_config.d/kongfleet.conf -h "$root/key" \
  -C user=kongfleet,host=h,addr=192.0.2.1) || fail "sshd_config.d"
grep -q '^forcecommand /usr/bin/kongfleet-agent connect$' <<<"$got" || fail "ForceCommand"
grep -q '^disableforwarding yes$' <<<"$got" || fail "DisableForwarding"
exit $failed
