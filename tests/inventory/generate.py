# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Inventories as people write them, and worse, from a seed: INI, YAML and what a dynamic inventory
prints, with group_vars and host_vars beside them."""
import json
import pathlib
import random

import yaml

GROUPS = ["web", "db", "edge", "lab", "prod", "eu-west", "canary", "all", "ungrouped"]
ENTRIES = ["web01", "web[01:03]", "db-[a:c]", "lone:2222", "n[0:10:5]", "n[:2]", "192.0.2.7",
           "192.0.2.[1:3]", "x.example.net", "web[1:2].example.net:2022", "2001:db8::7",
           "[2001:db8::9]:2200", "r[1:2]-n[01:02]", "a_b", "edge", "host-", "[a:b]", "C[X:Z]q"]
PLAIN = ["web01", "web02", "db-a", "x.example.net", "192.0.2.7", "2001:db8::7", "edge", "lone"]
VALUES = {
    "ansible_host": ["10.0.0.1", "10.0.0.2", "h.example.net", "2001:db8::1"],
    "ansible_ssh_host": ["10.9.9.9"],
    "ansible_port": [22, 2222, "2200"],
    "ansible_user": ["bob", "deploy", "root"],
    "ansible_ssh_user": ["old"],
    "ansible_connection": ["ssh", "local", "paramiko"],
    "ansible_private_key_file": ["~/.ssh/other"],
    "ansible_ssh_common_args": ["-J bastion", "-o ProxyJump=bastion -C"],
    "http_port": [80],
}
# What breaks an INI file, or looks as if it did. (Not "b[3:1]": no host to Ansible, a mistake to us.)
ODDITIES = ["[web", "[we b]", "[web:kids]", "stray words here", "key=value", "h 'open", "[1:]",
            "b[01:100]", "b[a]", "h:0x", "[:vars]", "h ansible_port", "h:", "]h[",
            "[web] # a comment", "[db]x", "h\\ x", "h#glued", "[db:hosts]"]


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def pick(self, things):
        return self.random.choice(list(things))

    def some(self, things, most: int) -> list:
        things = list(things)
        return self.random.sample(things, self.random.randint(0, min(most, len(things))))

    def variables(self, most: int = 3) -> dict:
        return {name: self.pick(VALUES[name]) for name in self.some(VALUES, most)}

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        """Writes one inventory and what lies beside it; returns its path."""
        directory.mkdir()
        kind = self.pick(["ini", "ini", "yaml", "yaml", "json"])
        path = getattr(self, kind)(directory)
        if kind != "json":
            self.beside(directory)
        return path

    def beside(self, directory: pathlib.Path) -> None:
        for kind, names in (("group_vars", GROUPS), ("host_vars", PLAIN)):
            if not self.chance(30):
                continue
            for name in self.some(names, 3):
                ending = self.pick(["", ".yml", ".yaml", ".json"])
                path = directory / kind / (name + ending)
                if self.chance(20):
                    path = directory / kind / name / ("10" + self.pick([".yml", ".yaml", ""]))
                if not any(path.parent.glob(name + "*")):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(yaml.safe_dump(self.variables()))

    def ini(self, directory: pathlib.Path) -> pathlib.Path:
        lines = []
        if self.chance(50):
            lines += self.host_lines()
        for _ in range(self.random.randint(1, 7)):
            group = self.pick(GROUPS)
            kind = self.pick(["", "", ":children", ":vars"])
            lines.append(f"[{group}{kind}]" + self.pick(["", "", "  # why", " "]))
            if kind == ":children":
                lines += self.some(GROUPS[:7], 2)
            elif kind == ":vars":
                lines += [f"{name}{self.pick(['=', ' = '])}{self.quoted(value)}{comment}"
                          for name, value in self.variables().items()
                          for comment in [self.pick(["", "", "  # c"])]]
                if self.chance(20):
                    lines.append(f"ansible_group_priority={self.random.randint(0, 12)}")
            else:
                lines += self.host_lines()
        # Most groups are declared in the end: a child that is nowhere is an error.
        if self.chance(85):
            lines += [f"[{group}]" for group in GROUPS]
        if self.chance(10):
            lines.insert(self.random.randint(0, len(lines)), self.pick(ODDITIES))
        if self.chance(30):
            lines.insert(self.random.randint(0, len(lines)), self.pick(["", "# c", "; c", "  "]))
        path = directory / self.pick(["hosts.ini", "hosts.ini", "hosts"])
        path.write_text("\n".join(self.pick(["", "", "", " "]) + line for line in lines) + "\n")
        return path

    def quoted(self, value) -> str:
        style = self.pick(["", "", "'", '"'])
        return f"{style}{value}{style}"

    def host_lines(self) -> list[str]:
        lines = []
        for entry in self.some(ENTRIES, 3):
            words = [entry]
            for name, value in self.variables().items():
                style = '"' if " " in str(value) else self.pick(["", "", "'", '"'])
                words.append(f"{name}={style}{value}{style}")
            lines.append(" ".join(words) + self.pick(["", "", " # c", "  "]))
        return lines

    def group(self, depth: int):
        if self.chance(10):
            return None
        group = {}
        if self.chance(70):
            group["hosts"] = {entry: self.pick([None, {}, self.variables()])
                              for entry in self.some(ENTRIES, 3)}
            if self.chance(10):
                group["hosts"] = self.pick([self.pick(PLAIN), None])
        if self.chance(40):
            group["vars"] = self.variables()
            if self.chance(20):
                group["vars"]["ansible_group_priority"] = self.random.randint(0, 12)
            if self.chance(10):
                group["vars"]["ansible_user"] = None
        if depth < 3 and self.chance(50):
            group["children"] = {name: self.group(depth + 1) for name in self.some(GROUPS[:7], 3)}
        return group

    def yaml(self, directory: pathlib.Path) -> pathlib.Path:
        shared = self.variables()
        data = {name: self.group(0) for name in self.some(GROUPS, 4)} or {"all": None}
        # A group below 'ungrouped' is no one's intention; what is in both Ansible half forgets.
        (data.get("ungrouped") or {}).pop("children", None)
        # Dumped twice, it becomes an anchor and an alias.
        for group in data.values():
            if group and self.chance(30):
                group["vars"] = shared
        text = yaml.safe_dump(data, sort_keys=False)
        if self.chance(15):
            text += ("merged:\n  vars: &base\n    ansible_user: base\n    ansible_port: 1\n"
                     "  hosts:\n    web01:\n      <<: *base\n      ansible_port: 2\n"
                     "    web02: {<<: [*base, {ansible_host: 10.5.5.5}], ansible_user: own}\n")
        if self.chance(10):
            text += self.pick(["bad: [1, 2]\n", "x: {hosts: [a, b]}\n", "12: {}\n", "yes: {}\n",
                               "x: {hosts: {1.5: }}\n", "x:\n\ty: 1\n", "x: *nowhere\n",
                               "x: {hosts: {'h[1:2': }}\n", "x: {extra: {}}\n", "---\nx: 1\n"])
        path = directory / self.pick(["hosts.yml", "hosts.yaml", "hosts"])
        path.write_text(text)
        return path

    def json(self, directory: pathlib.Path) -> pathlib.Path:
        data = {}
        for name in self.some(GROUPS, 5):
            group = {"hosts": self.some(PLAIN, 3)}
            if self.chance(40):
                group["vars"] = self.variables()
            if self.chance(40):
                group["children"] = self.some(GROUPS[:7], 2)
            data[name] = self.pick([group, group, group["hosts"], self.variables()])
        data["_meta"] = {"hostvars": {name: self.variables() for name in self.some(PLAIN, 4)}}
        if self.chance(10):
            data["broken"] = self.pick([{"hosts": "web01"}, {"vars": [1]}, 7, {"hosts": {"a": 1}}])
        (directory / "inventory.json").write_text(json.dumps(data))
        path = directory / "inventory.sh"
        path.write_text(f"#!/bin/sh\nexec cat '{directory}/inventory.json'\n")
        path.chmod(0o755)
        return path
