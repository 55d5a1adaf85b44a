# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Ansible, as Debian has it, tuned as a good user would: 50 forks, pipelining, connections that stay, no
facts. And the same playbook with Mitogen, which replaces the way Ansible works on hosts."""
import json

from apart import needs
from host import HERE
from tool import Peer

SETTINGS = """\
[defaults]
inventory = inventory
forks = 50
host_key_checking = true
interpreter_python = /usr/bin/python3
strategy_plugins = {strategies}
retry_files_enabled = false
[ssh_connection]
pipelining = true
ssh_args = -F {config} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {directory}/cp
"""
MITOGEN = "/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy"


class Ansible(Peer):
    name = "ansible"
    slow = True
    strategy = "linear"

    def prepare(self) -> None:
        super().prepare()
        needs("ansible-playbook", "ansible")
        (self.directory / "inventory").write_text(self.job.hosts.names.read_text())
        (self.directory / "ansible.cfg").write_text(SETTINGS.format(
            config=self.job.hosts.ssh_config, directory=self.directory, strategies=MITOGEN))

    def command(self, phase, tree, version):
        base = version.rsplit(".", 1)[0]
        # synchronize does not always log in as Ansible does; with Mitogen it never does.
        options = [f"--rsh='ssh -F {self.job.hosts.ssh_config}'"]
        options += [] if version.endswith(".0") else [f"--copy-dest=../{base}.0"]
        words = {"tree": tree, "version": version, "at": self.at, "strategy_of_run": self.strategy}
        arguments = [word for key, value in words.items() for word in ("-e", f"{key}={value}")]
        return ["env", f"HOME={self.directory}", "ansible-playbook", *arguments,
                "-e", json.dumps({"rsync_options": options}), HERE / "playbook.yml"]


class Mitogen(Ansible):
    name = "ansible + mitogen"
    strategy = "mitogen_linear"
