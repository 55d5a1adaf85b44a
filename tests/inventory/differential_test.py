#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""kongfleet reads inventories as Ansible does: on generated ones, every group has the same hosts and
every host the same variables that say how it is reached; what Ansible refuses, kongfleet refuses.

    differential_test.py [COUNT [FIRST-SEED]]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

scratch = tempfile.TemporaryDirectory(prefix="kongfleet-inventory-")
# Of this machine's configuration nothing counts; Ansible reads the environment when it is imported.
(pathlib.Path(scratch.name) / "ansible.cfg").touch()
os.environ.update(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="True",
                  ANSIBLE_CONFIG=f"{scratch.name}/ansible.cfg")

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager

from generate import Generator, VALUES

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
COUNT = 20_000 if os.environ.get("KONGFLEET_DEEP") else 500
ASKED_OF_THE_PROGRAM = 6  # a second each: it is the same code as the library's
LOOKED_AT = set(VALUES) - {"http_port"}


def plain(value):
    """A variable as kongfleet has it: texts and numbers as text, nothing, or something opaque."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return {}
    return str(value)


def chosen(variables: dict) -> dict:
    return {name: plain(value) for name, value in variables.items() if name in LOOKED_AT}


def ansible(path: pathlib.Path) -> dict:
    loader = DataLoader()
    try:
        inventory = InventoryManager(loader=loader, sources=[str(path)])
        variables = VariableManager(loader=loader, inventory=inventory)
        return {"groups": {name: sorted(host.name for host in group.get_hosts())
                           for name, group in inventory.groups.items()},
                "hosts": {name: chosen(variables.get_vars(host=host, include_hostvars=False,
                                                          stage="all"))
                          for name, host in inventory.hosts.items()}}
    except (AnsibleError, Exception) as error:  # it has more kinds than one
        return {"error": str(error)}


def ansible_program(path: pathlib.Path) -> dict:
    """The same from ansible-inventory --list, whose groups have their own hosts only."""
    done = subprocess.run(["ansible-inventory", "-i", str(path), "--list"], text=True,
                          capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        return {"error": done.stderr}
    said = json.loads(done.stdout)
    hostvars = said.pop("_meta")["hostvars"]

    def hosts(group: str) -> set:
        content = said.get(group, {})
        return set(content.get("hosts", [])).union(*map(hosts, content.get("children", [])))
    return {"groups": {name: sorted(hosts(name)) for name in said},
            "hosts": {name: chosen(hostvars.get(name, {})) for name in hosts("all")}}


class Kongfleet:
    def __init__(self):
        self.process = subprocess.Popen([BUILD / "tests/inventory/inventory-dump"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, path: pathlib.Path) -> dict:
        print(path, file=self.process.stdin, flush=True)
        said = json.loads(self.process.stdout.readline())
        if "groups" in said:
            said["groups"] = {name: sorted(hosts) for name, hosts in said["groups"].items()}
            said["hosts"] = {name: {key: value for key, value in values.items() if key in LOOKED_AT}
                             for name, values in said["hosts"].items()}
        return said

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)


def difference(theirs: dict, ours: dict) -> str:
    """What kongfleet reads otherwise; empty if nothing. The program does not list empty groups."""
    if "error" in theirs or "error" in ours:
        return "" if "error" in theirs and "error" in ours else \
            f"Ansible: {theirs.get('error', 'reads it')}\nkongfleet: {ours.get('error', 'reads it')}"
    wrong = []
    for part in ("groups", "hosts"):
        for name in sorted(set(theirs[part]) | set(ours[part])):
            one, other = theirs[part].get(name), ours[part].get(name)
            if (one or None) != (other or None):
                wrong.append(f"{part} {name}: Ansible: {one}, kongfleet: {other}")
    return "\n".join(wrong)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    Display.warning = lambda *_, **__: None
    began, bad, refused, hosts = time.monotonic(), 0, 0, 0
    with scratch as directory:
        kongfleet = Kongfleet()
        for seed in range(first, first + count):
            path = Generator(seed).write(pathlib.Path(directory) / str(seed))
            ours, theirs = kongfleet.read(path), ansible(path)
            wrong = difference(theirs, ours)
            if not wrong and seed < first + ASKED_OF_THE_PROGRAM:
                wrong = difference(ansible_program(path), ours)
            refused += "error" in theirs
            hosts += len(ours.get("hosts", {}))
            if wrong:
                bad += 1
                if bad <= 5:
                    print(f"--- seed {seed}; again: {sys.argv[0]} 1 {seed}\n{path.name}:\n"
                          f"{path.read_text()}\n{wrong}")
        kongfleet.close()
    seconds = round(time.monotonic() - began, 1)
    print(f"{count} inventories with {hosts} hosts, {refused} of them refused by both, "
          f"{bad} read otherwise, {seconds} s")
    if proofs := os.environ.get("KONGFLEET_PROOF_DIR"):
        entry = {"name": "inventory-differential", "promise": "-", "count": count, "bad": bad,
                 "seconds": seconds}
        (pathlib.Path(proofs) / "inventory-differential.json").write_text(json.dumps(entry) + "\n")
    enough = refused < count * 0.6 or count < 50
    return 0 if bad == 0 and enough else 1


if __name__ == "__main__":
    sys.exit(main())
