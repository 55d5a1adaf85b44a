#!/bin/bash
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
# The units are right in systemd's own eyes, and closed as far as a root agent's can be.
set -euo pipefail
cd "$(dirname "$0")/../systemd"
exposure_max=20 # tenths
by_hand_max=25  # where Kong's own command runs inside the sandbox

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

# Nothing that held a password is left in a core dump.
for unit in *.service controller/*.service; do
  grep -qx 'LimitCORE=0' "$unit" || fail "$unit may dump core"
done

# What the figure above does not show.
caps='CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE'
for line in "kongfleet-agent.service $caps CAP_KILL" "kongfleet-recover.service $caps" \
  "kongfleet-agent.service UMask=0077" "kongfleet-recover.service UMask=0077" \
  "kongfleet-agent.socket SocketMode=0660" "kongfleet-agent.socket SocketGroup=kongfleet"; do
  grep -qxF "${line#* }" "${line%% *}" || fail "not in ${line%% *}: ${line#* }"
done

# What runs away on a gateway's host takes the gateway with it.
for unit in *.service; do
  for limit in LimitNOFILE TasksMax MemoryMax; do
    grep -q "^$limit=[0-9]" "$unit" || fail "$unit has no $limit"
  done
done

by_hand=$root/etc/systemd/system/kongfleet-agent.service.d
mkdir -p "$by_hand"
exposed_by_hand() {
  systemd-analyze security --offline=yes --no-pager --root="$root" --threshold=$by_hand_max \
    kongfleet-agent.service
}
cp examples/kongfleet-agent.service.d/kong-by-hand.conf "$by_hand/"
said=$(systemd-analyze verify --root="$root" --man=no kongfleet-agent.service 2>&1) ||
  fail "verify kong-by-hand.conf"
[ -z "$said" ] || fail "verify kong-by-hand.conf: $said"
report=$(exposed_by_hand) || fail "kong-by-hand.conf opens more than $by_hand_max tenths"
tail -1 <<<"$report"
# It was looked at with the drop-in, and one that opens more is caught.
grep -q '✗ CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)' <<<"$report" || fail "without the drop-in"
printf 'CapabilityBoundingSet=CAP_SYS_ADMIN\n' >>"$by_hand/kong-by-hand.conf"
! exposed_by_hand >/dev/null 2>&1 || fail "a drop-in that opens too much passed"
rm -r "$by_hand"

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

# With the example before it, only that user's certificates count, and no key.
as() {
  cat examples/sshd_config.d/kongfleet-ca.conf sshd_config.d/kongfleet.conf >"$root/both"
  sshd -T -f "$root/both" -h "$root/key" -C "user=$1,host=h,addr=192.0.2.1" || fail "kongfleet-ca.conf"
}
got=$(as kongfleet)
for line in 'trustedusercakeys /etc/kongfleet/user_ca.pub' 'authorizedprincipalsfile none' \
  'authorizedkeysfile none' 'forcecommand /usr/bin/kongfleet-agent connect'; do
  grep -qx "$line" <<<"$got" || fail "kongfleet-ca.conf: $line"
done
got=$(as root)
grep -qx 'trustedusercakeys none' <<<"$got" || fail "the authority counts for others"
exit $failed
