# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""All hosts of a run, and how a driver reaches them.

    with Hosts(directory, 200, build) as hosts:
        subprocess.run(["ssh", "-F", hosts.ssh_config, hosts[0].name, "true"])
"""
import pathlib
import subprocess
import time

from apart import needs
from host import Ground, Host
from responder import Responder
from usage import Usage

START_LIMIT = 300  # and a second for each
QUIET_LIMIT = 60
# As long as the one that Kong's package brings, comments for the most part.
KONG_CONF = ("# A gateway's configuration.\n"
             + "".join(f"#setting_{number} = what its default is, explained in a line or two\n"
                       for number in range(1500))
             + "database = off\nproxy_listen = 127.0.0.1:8000\nadmin_listen = {address}:8001\n"
             + "log_level = notice\nplugins = bundled\nlua_package_path = ./?.lua;./?/init.lua;\n")
SSH_CONFIG = """\
Host *
  User root
  IdentityFile {key}
  IdentitiesOnly yes
  UserKnownHostsFile {known_hosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  LogLevel ERROR
  KexAlgorithms curve25519-sha256
"""


class Hosts:
    """`kong`: the command of a gateway that answers HTTP itself; `conf` is its kong.conf. Else it is a
    tiny-kong, for which the Responder answers. `extra`: more files of each host, by name."""

    def __init__(self, directory: pathlib.Path, count: int, build: pathlib.Path,
                 kong: pathlib.Path | None = None, conf: str = KONG_CONF):
        self.directory = directory
        self.conf = conf
        self.extra: dict[str, str] = {}
        self.home = directory / "host"
        self.key = directory / "key"
        self.ssh_config = directory / "ssh_config"
        self.names = directory / "names"  # a line each
        ground = Ground(directory / "hosts", self.home, self.key, build / "kongfleet-agent",
                        kong or build / "tests/crash/tiny-kong")
        self.hosts = [Host(number, ground) for number in range(count)]
        self.responder = None if kong else Responder(directory)

    def __iter__(self):
        return iter(self.hosts)

    def __len__(self) -> int:
        return len(self.hosts)

    def __enter__(self) -> "Hosts":
        try:
            self.make()
            for host in self.hosts:
                host.start()
            self.wait(Host.is_up, START_LIMIT + len(self.hosts), "came up")
            if self.responder:
                self.responder.start(self.hosts)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.responder:
            self.responder.end()
        for host in self.hosts:
            host.end()

    def make(self) -> None:
        needs("sshd", "openssh-server")
        self.directory.chmod(0o755)  # Kong's workers read in it, who are nobody
        self.home.mkdir()
        subprocess.run([needs("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "",
                        "-f", str(self.key)], check=True)
        known = ""
        for host in self.hosts:
            host.make(self.conf)
            for name, text in self.extra.items():
                (host.directory / name).write_text(text)
            known += f"{host.name},{host.address} {(host.directory / 'host_key.pub').read_text()}"
        (self.directory / "known_hosts").write_text(known)
        blocks = "".join(f"Host {host.name}\n  HostName {host.address}\n  HostKeyAlias {host.name}\n"
                         for host in self.hosts)
        rest = SSH_CONFIG.format(key=self.key, known_hosts=self.directory / "known_hosts")
        self.ssh_config.write_text(blocks + rest)
        self.names.write_text("".join(f"{host.name}\n" for host in self.hosts))

    def move_away(self) -> None:
        """From now on drivers reach them over a Wire."""
        self.ssh_config.write_text(self.ssh_config.read_text().replace("  HostName 127.", "  HostName 10."))

    def wait(self, is_so, seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        left = self.hosts
        while left := [host for host in left if not is_so(host)]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(left)} hosts never {what}, '{left[0].name}' for one: "
                                   f"{left[0].logs()}")
            time.sleep(0.02)

    def quiet(self) -> None:
        """Waits until no login is left, so that what they used can be told."""
        self.wait(lambda host: not host.sessions(), QUIET_LIMIT, "saw its last login end")

    def usage(self) -> Usage:
        self.quiet()
        responder = Usage(kong=self.responder.cpu() if self.responder else 0)
        return sum((host.usage() for host in self.hosts), responder)
