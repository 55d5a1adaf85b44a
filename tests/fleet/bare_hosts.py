# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Hosts that have only sshd, an administrator's login and a Kong, for tests of `kongfleet bootstrap`."""
import subprocess

from fleet import BUILD, Fleet, FleetTest
from packages import make_packages
import sanitized


def take_login_away(host) -> None:
    """What the harness put there for the login: the packages bring it."""
    host.run("sh", "-c", "userdel kongfleet; rm /usr/lib/sysusers.d/kongfleet.conf /usr/lib/tmpfiles.d/kongfleet.conf "
             "/etc/ssh/sshd_config.d/kongfleet.conf; systemctl reload ssh")


class BareHostsTest(FleetTest):
    @classmethod
    def begin_without_agent(cls) -> None:
        """`fleet` has one `host`: with a Kong, but neither agent nor login."""
        cls.fleet = Fleet(1, uses_plugin=False, agent=False)
        cls.fleet.__enter__()
        cls.host = cls.fleet[0]
        cls.fleet.probe = ""
        take_login_away(cls.host)

    @classmethod
    def begin_with_bare_hosts(cls, count: int) -> None:
        cls.fleet = Fleet(count, uses_plugin=False, agent=False)
        cls.fleet.__enter__()
        cls.fleet.write_plugin("1.0.0")
        cls.keys = cls.fleet.directory
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.keys / "admin_key"], check=True)
        admin = (cls.keys / "admin_key.pub").read_text()
        deploy = (cls.fleet.hosts.deploy_key.with_suffix(".pub")).read_text()
        (cls.keys / "deploy_key.pub").write_text(deploy)
        for host in cls.fleet:
            take_login_away(host)
            host.run("sh", "-c", "rm -r /etc/kongfleet; mkdir -m 700 -p /root/.ssh; "
                     "sed -i 's/^PermitRootLogin no/PermitRootLogin prohibit-password/' /etc/ssh/sshd_config; "
                     "systemctl reload ssh")
            host.write("/root/.ssh/authorized_keys", admin)
            sanitized.install(host, BUILD / "kongfleet-agent")
            host.run("systemctl", "daemon-reload")

    @classmethod
    def agent_package(cls, kind: str, version: str = ""):
        packages = make_packages(kind, cls.fleet.directory / f"p{kind}{version}", version)
        return next(path for path in packages if "agent" in path.name)

    def bootstrap(self, package, *arguments, expect, output="json"):
        return self.fleet.kongfleet("--output", output, "bootstrap", "--package", str(package), "--identity",
                                    "admin_key", "--key", "deploy_key.pub", *arguments, expect=expect)

    def results(self, *arguments, **keywords) -> list[str]:
        return [host["result"] for host in self.bootstrap(*arguments, **keywords).json()["hosts"]]
