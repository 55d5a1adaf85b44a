# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What this project is: the controller's rollout, and its sync where nothing is to change. A rollout of
all hosts at once, as the peers do it, but with everything else it does: preflight, proof, trial and
confirmation."""
import pathlib
import re

from tool import Tool, path_in

FLEET_FILE = """\
[fleet]
name = "bench"
[ssh]
user = "root"
known_hosts = "{known_hosts}"
config = "{config}"
identity = ["{key}"]
max_connections = {connections}
connect_timeout = "60s" # all hosts share this machine's cores: with 1,000 one may wait for its turn
[plugins.my-plugin]
source = "plugin"
[groups.all]
hosts = [{hosts}]
plugins = ["my-plugin"]
agent = "{agent} --config {home}/agent.toml connect"
[rollout]
waves = ["100%"]
bake = "0s"
max_unavailable = "100%"
max_failures = 0
on_failure = "rollback"
"""


class Kongfleet(Tool):
    name = "kongfleet"

    def prepare(self) -> None:
        hosts = self.job.hosts
        (self.directory / "fleet.toml").write_text(FLEET_FILE.format(
            # One is kept free. With fewer than hosts each would be logged in to three times.
            connections=len(self.hosts()) + 1,
            known_hosts=hosts.directory / "known_hosts", config=hosts.ssh_config, key=hosts.key,
            hosts=", ".join(f'"{host.name}"' for host in self.hosts()), home=hosts.home,
            agent=self.job.build / "kongfleet-agent"))

    def ready(self, tree: pathlib.Path, version: str) -> None:
        source = self.directory / "plugin"
        source.unlink(missing_ok=True)
        source.symlink_to(tree)

    def tree_on(self, host):
        """What Kong's master accepted last."""
        return path_in((host.directory / "prefix/serving").read_text(), self.job.hosts, host)

    def command(self, phase, tree, version):
        words = ["sync"] if phase == "unchanged" else ["rollout", "--yes"]
        return [self.job.build / "kongfleet", "-f", "fleet.toml", *words]


class Alone(Kongfleet):
    """The same for one host, with a version of its own: what more hosts cost is seen beside it."""
    name = "kongfleet, 1 host"
    phases = ("alone",)

    def hosts(self):
        return [next(iter(self.job.hosts))]


class Unanswered(Kongfleet):
    """Logs in to every host, where no agent but `true` is started: what a login costs us."""
    name = "kongfleet to true"
    phases = ("login",)

    def prepare(self) -> None:
        super().prepare()
        file = self.directory / "fleet.toml"
        file.write_text(re.sub('^agent = .*', 'agent = "true"', file.read_text(), flags=re.MULTILINE))

    def check(self, tree):
        pass  # nothing was to be brought

    def command(self, phase, tree, version):
        return ["sh", "-c", f"! {self.job.build / 'kongfleet'} -f fleet.toml status"]
