# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""One real host: systemd as PID 1 and sshd, in its own namespaces, on an overlay of the template.

What a test does to it: run a command, read and write its files, cut its power, boot it again, cut
it off the network, ask it over HTTP.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass

import cgroups
from network import Network

BOOT_SECONDS = 120  # twenty at once, on two cores that are busy
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "LC_ALL": "C.UTF-8", "HOME": "/root"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: str


class Host:
    """`name` is its host name; `index` counts from 1 within the fleet, `directory` is its own."""

    ssh_port = 22

    def __init__(self, name: str, index: int, directory: pathlib.Path, network: Network):
        self.name = name
        self.index = index
        self.directory = directory
        self.network = network
        self.machine = network.namespace(index)
        self.group = f"{network.bridge}/{index}"
        self.root = directory / "root"
        self.binds: list[str] = []  # more arguments for systemd-nspawn
        self.leader = 0  # the pid, seen from outside, of its PID 1; 0 while it is off
        self.supervisor: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return self.network.address(self.index)

    @property
    def console(self) -> pathlib.Path:
        return self.directory / "console"

    def mount(self, template: pathlib.Path) -> None:
        for name in ("root", "upper", "work"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        own = self.directory
        options = f"lowerdir={template},upperdir={own}/upper,workdir={own}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)],
                       check=True)
        self.write("/etc/hostname", self.name + "\n")

    def start(self) -> None:
        """Turns it on and returns at once; `wait_until_up` waits for the rest."""
        groups = cgroups.create(self.group)
        nspawn = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot",
                  "--register=no", "--keep-unit", f"--machine={self.machine}",
                  f"--uuid={uuid.uuid5(uuid.NAMESPACE_OID, self.machine)}",
                  f"--network-namespace-path=/run/netns/{self.machine}", "--link-journal=no",
                  "--resolv-conf=off", "--timezone=off", "--console=pipe",
                  # So that IPAddressDeny= of units is in force, as on a machine of its own.
                  "--system-call-filter=bpf", "--capability=CAP_BPF,CAP_NET_ADMIN", *self.binds]
        enter = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"'
        with open(self.console, "ab") as output:
            self.supervisor = subprocess.Popen(
                ["sh", "-euc", enter, "sh", *map(str, groups), "--", *nspawn],
                env=dict(ENVIRONMENT, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True)

    def wait_until_up(self) -> None:
        """Until systemd has started everything; what failed to start is the caller's to judge."""
        deadline = time.monotonic() + BOOT_SECONDS
        state = "no process"
        while time.monotonic() < deadline:
            if self.supervisor and self.supervisor.poll() is not None:
                break
            self.leader = self.leader or self.find_leader()
            if self.leader:
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.05)
        tail = self.console.read_text(errors="replace").splitlines()[-15:]
        raise RuntimeError(f"boot host '{self.name}': is '{state}':\n" + "\n".join(tail))

    def boot(self) -> None:
        self.start()
        self.wait_until_up()

    def find_leader(self) -> int:
        """The supervisor's child that is PID 1 of a namespace of its own, or 0 before it is."""
        assert self.supervisor
        pid = self.supervisor.pid
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children:
                status = pathlib.Path(f"/proc/{child}/status").read_text()
                fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
                if fields["NSpid"].split()[1:] == ["1"] and fields["Name"] == "systemd":
                    return int(child)
        except (FileNotFoundError, ProcessLookupError):
            pass
        return 0

    def kill(self) -> None:
        """A power cut: every process on it is gone at once, what it had written stays."""
        os.kill(self.leader, signal.SIGKILL)
        self.wait_until_off()

    def shut_down(self) -> None:
        """An orderly shutdown, each service stopped as its unit says."""
        os.kill(self.leader, signal.SIGRTMIN + 4)
        self.wait_until_off()

    def wait_until_off(self) -> None:
        assert self.supervisor
        self.supervisor.wait(timeout=BOOT_SECONDS)
        self.leader, self.supervisor = 0, None

    def run(self, *command: str, check: bool = True, timeout: float = 60,
            stdin: str = "") -> subprocess.CompletedProcess:
        """Runs a command on it as root. Its stdout and stderr are text; not 0 raises if `check`."""
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", "--", *command],
                              env=ENVIRONMENT, input=stdin, text=True, errors="replace",
                              capture_output=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"run {command} on '{self.name}': exit {done.returncode}: "
                               f"{done.stdout}{done.stderr}")
        return done

    def path(self, path: str) -> pathlib.Path:
        """Where this machine sees the host's file. A link in it is followed on this machine."""
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str:
        return self.path(path).read_text(errors="replace")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def journal(self, unit: str = "") -> str:
        chosen = [f"--unit={unit}"] if unit else []
        return self.run("journalctl", "--no-pager", "--output=short-precise", *chosen).stdout

    def partition(self, cut: bool = True) -> None:
        self.network.partition(self.index, cut)

    def http_get(self, path: str = "/", port: int = 8000, timeout: float = 5) -> Answer:
        """One request on a new connection from outside. OSError if there is no answer."""
        url = f"http://{self.address}:{port}{path}"
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            reply = opener.open(url, timeout=timeout)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            headers = {name.lower(): value for name, value in reply.headers.items()}
            return Answer(reply.status, headers, reply.read().decode(errors="replace"))

    def remove(self) -> None:
        """Ends and removes what is there of it, of an earlier process too."""
        cgroups.kill(self.group)
        if self.supervisor:
            self.wait_until_off()
        cgroups.remove(self.group)
        run = pathlib.Path("/run/systemd/nspawn")  # a supervisor that is killed leaves these behind
        while os.path.ismount(self.root):
            info = os.stat(self.root)
            (run / f"locks/inode-{info.st_dev}:{info.st_ino}").unlink(missing_ok=True)
            subprocess.run(["umount", str(self.root)], check=True)
        for kind in ("propagate", "unix-export"):
            shutil.rmtree(run / kind / self.machine, ignore_errors=True)
        if self.directory.exists():
            shutil.rmtree(self.directory)
