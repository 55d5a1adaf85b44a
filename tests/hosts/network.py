# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The network of one fleet: a bridge with a subnet of its own, and a namespace for each host.

The subnets come from 198.18.0.0/15, which is set aside for tests of this kind (RFC 2544) and never
routed; nothing leaves this machine. The root namespace is the bridge's other end, so a controller
that runs there reaches the hosts, and the hosts reach nothing else.
"""
import ipaddress
import json
import pathlib
import subprocess

from template import locked

POOL = ipaddress.ip_network("198.18.0.0/15")
HOSTS_MAX = 250  # of one fleet: its subnet is a /24
LOCK = pathlib.Path("/run/lock/kongfleet-hosts")


class Network:
    """Names only: creating and removing are separate, so that remains can be removed by name."""

    def __init__(self, identity: str):
        self.bridge = f"kf{identity}"
        self.subnet: ipaddress.IPv4Network | None = None

    def set_subnet(self, text: str) -> None:
        self.subnet = ipaddress.IPv4Network(text)

    def namespace(self, index: int) -> str:
        return f"{self.bridge}-{index}"

    def port(self, index: int) -> str:
        """The bridge's end of the cable to host `index`; interface names are at most 15 long."""
        return f"{self.bridge}p{index}"

    def address(self, index: int) -> str:
        assert self.subnet
        return str(self.subnet[index + 1])

    def create(self, count: int) -> None:
        if not 0 < count <= HOSTS_MAX:
            raise ValueError(f"make a network of {count} hosts: it can have 1 to {HOSTS_MAX}")
        LOCK.parent.mkdir(parents=True, exist_ok=True)
        with locked(LOCK):
            self.subnet = free_subnet()
            batch("", [f"link add {self.bridge} type bridge",
                       f"addr add {self.subnet[1]}/24 dev {self.bridge}",
                       f"link set {self.bridge} up"])
        for index in range(1, count + 1):
            name = self.namespace(index)
            subprocess.run(["ip", "netns", "add", name], check=True)
            batch("", [f"link add {self.port(index)} type veth peer name eth0 netns {name}",
                       f"link set {self.port(index)} master {self.bridge} up"])
            batch(name, ["link set lo up", f"addr add {self.address(index)}/24 dev eth0",
                         "link set eth0 up"])
        nft(f"table bridge {self.bridge} {{\n"
            " set cut { type ifname\n }\n"
            " chain from { type filter hook prerouting priority -300\n"
            "  ether type != arp iifname @cut drop\n }\n"
            " chain to { type filter hook output priority -300\n"
            "  ether type != arp oifname @cut drop\n }\n}\n")

    def partition(self, index: int, cut: bool) -> None:
        """Drops every packet to and from the host without a word, as a dead router does."""
        verb = "add" if cut else "delete"
        nft(f"{verb} element bridge {self.bridge} cut {{ {self.port(index)} }}\n")

    def remove(self, count: int) -> None:
        """Removes what is there of it; it need not be whole."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        for index in range(1, count + 1):
            subprocess.run(["ip", "netns", "delete", self.namespace(index)], **quiet)
        subprocess.run(["ip", "link", "delete", self.bridge], **quiet)
        subprocess.run(["nft", "delete", "table", "bridge", self.bridge], **quiet)


def free_subnet() -> ipaddress.IPv4Network:
    """The first /24 of the pool that no address or route of this machine touches."""
    taken = []
    for kind in ("addr", "route"):
        for entry in json.loads(subprocess.check_output(["ip", "-j", "-4", kind, "show"])):
            found = [f"{a['local']}/{a['prefixlen']}" for a in entry.get("addr_info", ())]
            found += [entry["dst"]] if entry.get("dst", "default") != "default" else []
            taken += [ipaddress.ip_network(text, strict=False) for text in found]
    for subnet in POOL.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise RuntimeError(f"make a network of hosts: no free subnet is left in {POOL}")


def batch(namespace: str, lines: list[str]) -> None:
    inside = ["-n", namespace] if namespace else []
    subprocess.run(["ip", *inside, "-batch", "-"], input="\n".join(lines), text=True, check=True)


def nft(rules: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
