# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts under load: one host whose gateway is a real nginx with Lua (tests/gateway), and two wrk that send
as much as it takes. One opens a connection for each request: of those none may fail. The other keeps its
connections: when a worker has to go, it closes those that are idle, and a request may just be under way on
one. That is nginx's way, one failure a connection and reload at most, and it is counted apart."""
import pathlib
import re
import signal
import subprocess
from dataclasses import asdict, dataclass

from apart import needs
from host import Host, children_of, command_line
from hosts import KONG_CONF, Hosts
from kongfleet_tool import Kongfleet
from target import at_least, at_most
from tool import path_in
from tools import make_job

GATEWAY = pathlib.Path(__file__).resolve().parents[1] / "gateway/kong"
CONNECTIONS = 10
CONF = (KONG_CONF.replace("proxy_listen = 127.0.0.1:8000", "proxy_listen = {address}:8000")
        + "declarative_config = @HOME@/kong.yml\nproxy_access_log = off\n"
        + "nginx_worker_processes = 2\nnginx_user = root\n")
ANSWER = """\
_format_version: "2.1"
services:
- name: answer
  url: http://127.0.0.1:1
  routes:
  - {name: all, paths: ["/"]}
  plugins:
  - {name: request-termination, config: {status_code: 200, message: well}}
"""
THROUGH_OURS = ANSWER + "  - name: my-plugin\n"
HEAD = (f"{'connections':<22}{'requests':>10}{'failed':>8}{'connect':>9}{'read':>6}{'write':>7}{'timeout':>9}"
        f"{'not 2xx':>9}")


@dataclass
class Count:
    """What wrk saw. A figure behind `requests` is how many of them failed in that way."""
    connections: str
    requests: int
    connect: int = 0
    read: int = 0
    write: int = 0
    timeout: int = 0
    not_2xx: int = 0

    @property
    def failed(self) -> int:
        return self.connect + self.read + self.write + self.timeout + self.not_2xx

    def row(self) -> str:
        return (f"{self.connections:<22}{self.requests:>10}{self.failed:>8}{self.connect:>9}{self.read:>6}"
                f"{self.write:>7}{self.timeout:>9}{self.not_2xx:>9}")


def parse(connections: str, text: str) -> Count:
    requests = re.search(r"^ +(\d+) requests in ", text, re.MULTILINE)
    if not requests or requests[1] == "0":
        raise RuntimeError(f"wrk sent nothing: {text}")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Count(connections, int(requests[1]), *(int(count) for count in (errors.groups() if errors else [])),
                 not_2xx=int(wrong[1]) if wrong else 0)


class Wrk:
    """Sends requests from its start to its end."""

    def __init__(self, connections: str, url: str, *options: str):
        self.connections = connections
        self.process = subprocess.Popen(
            [needs("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}", "-d24h", *options, url], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def __enter__(self) -> "Wrk":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> Count:
        self.process.send_signal(signal.SIGINT)
        return parse(self.connections, self.process.communicate()[0])


class OfRealWorkers(Kongfleet):
    def tree_on(self, host):
        return path_in((host.directory / "prefix/.kong_env").read_text(), self.job.hosts, host)


def workers(host: Host) -> set[int]:
    """Those that take new connections."""
    return {child for child in children_of(host.master)
            if command_line(child).strip() == "nginx: worker process"}


def make_hosts(directory: pathlib.Path, build: pathlib.Path) -> Hosts:
    """One, whose gateway answers by itself."""
    hosts = Hosts(directory, 1, build, GATEWAY, "")
    hosts.conf = CONF.replace("@HOME@", str(hosts.home))
    hosts.extra["kong.yml"] = ANSWER
    return hosts


def roll_out(ours: Kongfleet, host: Host, number: int) -> bool:
    """Whether no worker serves any more that did before."""
    before = workers(host)
    version = f"1.0.{number}"
    ours.run("first" if number == 0 else "update", ours.job.versions.tree(version), version)
    return bool(before) and not before & workers(host)


def table(counts: list[Count], rollouts: int, replaced: int) -> str:
    fresh, kept = counts
    lines = [f"{rollouts} rollouts to one host under wrk, {CONNECTIONS} connections of either kind.", "", HEAD,
             *(count.row() for count in counts), "",
             at_most("reload: requests that failed on new connections", 0, fresh.failed),
             at_most("reload: failed on one kept connection, a reload", 1.0,
                     kept.failed / CONNECTIONS / rollouts),
             at_least("reload: rollouts that replaced all workers", rollouts, replaced)]
    return "\n".join(lines) + "\n"


def measure(hosts: Hosts, directory: pathlib.Path, build: pathlib.Path, rollouts: int) -> tuple[str, list[dict]]:
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("1024 65535\n")
    ours = OfRealWorkers(make_job(hosts, directory, build))
    host = next(iter(hosts))
    roll_out(ours, host, 0)
    (host.directory / "kong.yml").write_text(THROUGH_OURS)  # the next reload reads it
    url = f"http://{host.address}:8000/"
    with Wrk("new for each request", url, "-HConnection: close") as fresh, Wrk("kept", url) as kept:
        replaced = sum(roll_out(ours, host, number) for number in range(1, rollouts + 1))
        counts = [fresh.end(), kept.end()]
    entries = [asdict(count) | {"failed": count.failed, "rollouts": rollouts, "replaced": replaced}
               for count in counts]
    return table(counts, rollouts, replaced), entries
