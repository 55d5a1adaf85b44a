#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The agent's unit, on a real host: it lets the daemon do its work, and nothing beside it."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hosts import Hosts

# Stands in for the daemon: tries what the daemon does, and what it never should, and tells.
AGENT = """#!/bin/sh
[ "$1" = serve ] || exit 0
try() {
  name=$1; shift
  "$@" >/dev/null 2>&1 && echo "$name: yes" || echo "$name: no"
}
worker=$(cat /run/worker)
try replace-conf sh -c 'cd /etc/kong && echo x >new && chown kong:kong new && mv new kong.conf'
try write-state touch /var/lib/kongfleet/x
try show-unit systemctl show kong.service
try reload-unit systemctl reload reloadable.service
try transient-unit systemd-run --wait --pipe --collect -p User=kong -- luajit -e 'print(1)'
try read-journal journalctl -n 1
try see-worker grep -q sleep "/proc/$worker/cmdline"
try signal-worker kill -0 "$worker"
try ask-loopback bash -c 'exec 3<>/dev/tcp/127.0.0.1/22'
try write-etc touch /etc/x
try write-usr touch /usr/x
try read-home ls /home /root/.profile
try kong-version luajit -e 'for i = 1, 1e6 do end'
try become-user setpriv --reuid kong true
try new-namespace unshare --mount true
try ask-outside timeout 2 bash -c "exec 3<>/dev/tcp/$(cat /run/outside)/22"
echo finished
[ -z "$NOTIFY_SOCKET" ] || sleep 60
"""
# Not sshd: while that reloads, its port, which is asked above, is closed.
RELOADABLE = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecReload=/bin/true
"""
ALLOWED = ("replace-conf write-state show-unit reload-unit transient-unit read-journal see-worker "
           "signal-worker ask-loopback kong-version").split()
DENIED = "write-etc write-usr read-home become-user new-namespace ask-outside".split()


def answers(text):
    return dict(line.split(": ") for line in text.splitlines() if line.endswith((": yes", ": no")))


class SandboxTest(unittest.TestCase):
    def test_the_daemon_can_do_its_work_and_no_more(self):
        with tempfile.TemporaryDirectory(prefix="kongfleet-sandbox-") as scratch:
            agent = pathlib.Path(scratch) / "agent"
            agent.write_text(AGENT)
            with Hosts(pathlib.Path(scratch) / "hosts", 1, agent=agent, gateway=None) as hosts:
                host = hosts[0]
                host.run("install", "-d", "-o", "kong", "-g", "kong", "/etc/kong")
                host.run("sh", "-c", f"echo {host.address} >/run/outside; "
                         "setpriv --reuid kong --regid kong --clear-groups sleep 600 "
                         ">/dev/null 2>&1 & echo $! >/run/worker")
                host.write("/etc/systemd/system/reloadable.service", RELOADABLE)
                host.run("systemctl", "daemon-reload")
                host.run("systemctl", "start", "reloadable.service")
                host.run("systemctl", "start", "--no-block", "kongfleet-agent.service")
                follow = "journalctl -f -n all -o cat -u kongfleet-agent | grep -q -m 1 finished"
                host.run("timeout", "30", "sh", "-c", follow)
                lines = host.run("journalctl", "-o", "cat", "-u", "kongfleet-agent").stdout
                self.assertEqual(answers(lines),
                                 dict.fromkeys(ALLOWED, "yes") | dict.fromkeys(DENIED, "no"))
                # What was denied was denied by the unit: without it all of it can be done.
                free = host.run("/usr/bin/kongfleet-agent", "serve").stdout
                self.assertEqual(answers(free), dict.fromkeys([*ALLOWED, *DENIED], "yes"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
