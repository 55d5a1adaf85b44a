#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Boots real hosts for tests and demonstrations, and takes them away without a trace.

    hosts.py up N --dir DIR [--agent FILE] [--no-gateway] [--version V] [--keep]
    hosts.py list DIR
    hosts.py exec DIR HOST COMMAND…
    hosts.py down DIR
    hosts.py template

`up` holds the hosts until it is ended (Ctrl-C), with --keep it leaves them running for `down`.
As a module: `with Hosts(directory, 3, agent=path) as hosts: hosts[0].run("uptime")`.
DIR gets state.json, known_hosts, deploy_key and a directory for each host.
"""
import argparse
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
import typing

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cgroups
import provision
from host import Host
from inotify_limit import lower_limit, raise_limit
from network import Network
from template import ensure_template


class Hosts(list):
    """A list of Host, booted on entry and removed on exit, whatever happens in between.

    Also when this process is killed: a child notices and removes them in its stead.
    """

    def __init__(self, directory: pathlib.Path, count: int, *, agent: pathlib.Path | None = None,
                 gateway: str | None = "2.8.5", keep: bool = False, identity: str = ""):
        super().__init__()
        self.directory = pathlib.Path(directory).resolve()
        self.agent = agent
        self.gateway = gateway  # the version that the stand-in says it is; None for no gateway
        self.keep = keep
        self.network = Network(identity or secrets.token_hex(3))
        self.guard: subprocess.Popen | None = None
        self.limit: typing.IO[str] | None = None
        for index in range(1, count + 1):
            name = f"edge-{index}"
            self.append(Host(name, index, self.directory / name, self.network))

    @property
    def deploy_key(self) -> pathlib.Path:
        return self.directory / "deploy_key"

    @property
    def known_hosts(self) -> pathlib.Path:
        return self.directory / "known_hosts"

    def __enter__(self) -> "Hosts":
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_) -> None:
        if not self.keep:
            self.down()

    def up(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if (self.directory / "state.json").exists():
            raise RuntimeError(f"boot hosts: '{self.directory}' holds some already")
        template = ensure_template()
        self.save()  # before anything is made: `down` works from here on
        self.guard = start_guard(self.directory)
        self.limit = raise_limit()
        self.network.create(len(self))
        self.save()
        deploy_key = provision.make_key(self.deploy_key, "kongfleet controller")
        for host in self:
            host.mount(template)
            key = provision.install_login(host, deploy_key)
            if self.agent:
                provision.install_agent(host, self.agent)
            if self.gateway:
                provision.install_gateway(host, self.gateway)
            with open(self.known_hosts, "a", encoding="ascii") as file:
                file.write(f"{host.address} {' '.join(key.split()[:2])}\n")
            host.start()
        for host in self:
            host.wait_until_up()
        self.save()
        if self.keep:
            self.dismiss_guard()

    def dismiss_guard(self) -> None:
        if self.guard:
            self.guard.kill()
            self.guard.communicate()
            self.guard = None

    def save(self) -> None:
        state = {"identity": self.network.bridge[2:], "count": len(self),
                 "subnet": str(self.network.subnet), "leaders": [host.leader for host in self]}
        new = self.directory / "state.new"
        new.write_text(json.dumps(state) + "\n")
        new.rename(self.directory / "state.json")

    def down(self) -> None:
        """Removes what there is; a second call finds nothing and is fine."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            for host in self:
                cgroups.kill(host.group)  # all at once first: it is quicker
            for host in self:
                host.remove()
            cgroups.remove(self.network.bridge)
            self.network.remove(len(self))
            if self.limit:
                self.limit.close()
            lower_limit()
            for name in ("known_hosts", "deploy_key", "deploy_key.pub", "state.new", "state.json"):
                (self.directory / name).unlink(missing_ok=True)
            self.dismiss_guard()
            if self.directory.exists() and not any(self.directory.iterdir()):
                self.directory.rmdir()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def load(directory: pathlib.Path) -> Hosts:
    """The hosts of an earlier `up`, of this or another process."""
    state = json.loads((directory / "state.json").read_text())
    hosts = Hosts(directory, state["count"], keep=True, identity=state["identity"])
    if state["subnet"] != "None":
        hosts.network.set_subnet(state["subnet"])
    for host, leader in zip(hosts, state["leaders"], strict=True):
        host.leader = leader
    return hosts


def start_guard(directory: pathlib.Path) -> subprocess.Popen:
    """A process that takes the hosts down when this one ends without having done so."""
    command = [sys.executable, __file__, "guard", str(directory)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def guard(directory: pathlib.Path) -> None:
    sys.stdin.buffer.read()  # ends when the one who holds the other end does
    if (directory / "state.json").exists():
        load(directory).down()


def interrupt(*_) -> None:
    raise KeyboardInterrupt


def up(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, interrupt)
    gateway = None if options.no_gateway else options.version
    began = time.monotonic()
    try:
        with Hosts(options.dir, options.count, agent=options.agent, gateway=gateway,
                   keep=options.keep) as hosts:
            print(f"{len(hosts)} hosts up after {time.monotonic() - began:.1f} s:", flush=True)
            show(hosts)
            while not options.keep:
                signal.pause()
    except KeyboardInterrupt:
        return 130
    return 0


def show(hosts: Hosts) -> None:
    for host in hosts:
        print(f"{host.name}\t{host.address}\t{host.leader}", flush=True)


def run_on(hosts: Hosts, name: str, command: list[str]) -> int:
    for host in hosts:
        if name in (host.name, host.address):
            return subprocess.call(["nsenter", "-t", str(host.leader), "-a", "--", *command])
    print(f"hosts.py: there is no host '{name}'", file=sys.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("up")
    one.add_argument("count", type=int)
    one.add_argument("--dir", type=pathlib.Path, required=True)
    one.add_argument("--agent", type=pathlib.Path)
    one.add_argument("--no-gateway", action="store_true")
    one.add_argument("--version", default="2.8.5")
    one.add_argument("--keep", action="store_true")
    for name in ("list", "down", "guard", "exec"):
        commands.add_parser(name).add_argument("dir", type=pathlib.Path)
    commands.choices["exec"].add_argument("host")
    commands.choices["exec"].add_argument("argv", nargs=argparse.REMAINDER)
    commands.add_parser("template", help="only make what all hosts share, and say where it is")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("hosts.py: namespaces and mounts need root", file=sys.stderr)
        return 1
    if options.command == "template":
        print(ensure_template())
        return 0
    if options.command == "up":
        return up(options)
    if options.command == "guard":
        guard(options.dir)
        return 0
    hosts = load(options.dir)
    if options.command == "list":
        show(hosts)
    elif options.command == "exec":
        return run_on(hosts, options.host, options.argv)
    else:
        hosts.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
