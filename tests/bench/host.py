# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A host that is cheap enough to have 200 of: a loopback address, namespaces for processes and mounts, and
in them a real sshd, a real agent and a gateway, with a directory of its own for all they keep."""
import pathlib
import subprocess
from dataclasses import dataclass

from apart import needs
from usage import Usage, cpu_of

HERE = pathlib.Path(__file__).resolve().parent

SSHD_CONFIG = """\
ListenAddress {address}:22
HostKey {home}/host_key
AuthorizedKeysFile {key}.pub
StrictModes no
UsePAM no
UseDNS no
SetEnv HOME={home}/root
PermitRootLogin prohibit-password
PasswordAuthentication no
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256
Subsystem sftp internal-sftp
PrintMotd no
PidFile none
"""
AGENT_TOML = """\
[kong]
conf = "{home}/kong.conf"
prefix = "{home}/prefix"
binary = "{kong}"
unit = "none"
[agent]
socket = "{home}/agent.sock"
state = "{home}/state"
group = "root"
[[probe]]
name = "health"
type = "http"
url = "{health}"
status = 200
interval = "50ms"
"""


@dataclass
class Ground:
    """What all hosts share: where their directories are and where each finds its own, the login's key,
    the programs."""
    directories: pathlib.Path
    home: pathlib.Path
    key: pathlib.Path
    agent: pathlib.Path
    kong: pathlib.Path


def children_of(pid: int) -> list[int]:
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_line(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


class Host:
    def __init__(self, number: int, ground: Ground):
        self.name = f"h{number:04d}"
        self.address = f"127.77.{number // 250}.{number % 250 + 1}"
        self.ground = ground
        self.directory = ground.directories / self.name
        self.process: subprocess.Popen | None = None
        self.first = self.agent = self.master = 0

    def make(self, conf: str) -> None:
        """`conf` is its kong.conf; `{address}` in it is its own."""
        text = conf.replace("{address}", self.address)
        for name in ("prefix", "state", "root"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "kong.conf").write_text(text)
        words = {"home": self.ground.home, "address": self.address, "key": self.ground.key,
                 "kong": self.ground.kong, "health": f"http://{self.address}:8000/"}
        (self.directory / "sshd_config").write_text(SSHD_CONFIG.format(**words))
        (self.directory / "agent.toml").write_text(AGENT_TOML.format(**words))
        subprocess.run([needs("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "",
                        "-C", self.name, "-f", str(self.directory / "host_key")], check=True)

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--propagation", "private", str(HERE / "host"), str(self.directory),
             str(self.ground.home), str(self.ground.agent), str(self.ground.kong)],
            stdin=subprocess.DEVNULL)

    def is_up(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"host '{self.name}' ended: {self.logs()}")
        self.first = next(iter(children_of(self.process.pid)), 0)
        if not self.first or not (self.directory / "agent.sock").exists():
            return False
        for child in children_of(self.first):
            line = command_line(child)
            self.agent = child if line.endswith(" serve ") else self.agent
            self.master = child if line.startswith("nginx: master") else self.master
        return bool(self.agent and self.master and command_line(self.first).startswith("sshd:"))

    def logs(self) -> str:
        return "".join(path.read_text()[-500:] for path in sorted(self.directory.glob("*.log")))

    def sessions(self) -> list[int]:
        """Logins that are not over."""
        return [child for child in children_of(self.first) if child not in (self.agent, self.master)]

    def usage(self) -> Usage:
        agent, commands = cpu_of(self.agent)
        return Usage(sum(cpu_of(self.first)), agent, commands + sum(cpu_of(self.master)))

    def end(self) -> None:
        """With unshare its child ends, which is process 1 of the host, and with that all others."""
        if self.process:
            self.process.kill()
            self.process.wait()
