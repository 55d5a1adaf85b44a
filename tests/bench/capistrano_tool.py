# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Capistrano: one SSH connection a host, over which it uploads and runs commands, all hosts at once."""
import tarfile

from apart import needs
from host import HERE
from tool import Peer


class Capistrano(Peer):
    name = "capistrano"

    def prepare(self) -> None:
        super().prepare()
        needs("cap", "capistrano ruby-ed25519 ruby-bcrypt-pbkdf ruby-x25519")

    def ready(self, tree, version):
        (self.directory / "config/deploy").mkdir(parents=True, exist_ok=True)
        (self.directory / "config/deploy/bench.rb").touch()
        (self.directory / "config/deploy.rb").touch()
        with tarfile.open(self.directory / "packed.tgz", "w:gz") as packed:
            packed.add(tree, ".")

    def command(self, phase, tree, version):
        hosts = self.job.hosts
        return ["env", f"BENCH_NAMES={hosts.names}", f"BENCH_SSH_CONFIG={hosts.ssh_config}",
                f"BENCH_AT={self.at}", f"BENCH_VERSION={version}", f"BENCH_PACKED={self.directory / 'packed.tgz'}",
                "cap", "-f", HERE / "Capfile", "bench", "bench"]
