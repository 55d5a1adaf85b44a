# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""One host with a controller of its own, for tests that break it while it is rolled out to, and
what must hold whenever nothing is under way."""
import subprocess

from fleet import Fleet, documents, wait_for
from strike import CONF, STATE, journal

# Kong's package starts it once. Where an operator wants it back when it dies, the unit has this.
RESTART = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=on-failure\nRestartSec=100ms\n"
# How a controller says that a host is where it was.
IS_BACK = ("back", "refused", "unchanged", "waiting", "nothing was touched")
# What may lie beside kong.conf, and in the agent's state.
CONF_NAMES = {"kong.conf", "kong.yml", ".kong.conf.kongfleet-restore"}
STATE_NAMES = {"generations", "journal", "history.jsonl", "lock", "baseline.json", "ballast",
               "poison.json"}


class Rollout:
    """A controller at work. Ended, one way or the other, when the block ends."""

    def __init__(self, version: str, controller: subprocess.Popen):
        self.version = version
        self.controller = controller

    def __enter__(self) -> "Rollout":
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    def kill(self) -> None:
        self.controller.kill()
        if self.controller.returncode is None:
            self.controller.communicate()

    def is_over(self) -> bool:
        return self.controller.poll() is not None

    def end(self) -> str:
        """How the controller says that it ended for the host."""
        out, err = self.controller.communicate(timeout=300)
        last = documents(out)[-1] if out else {}
        if last.get("event") == "end":
            return last["hosts"][0]["phase"]
        if "nothing was touched" in err:
            return "nothing was touched"
        raise AssertionError(f"the controller ended without saying how: {out}{err}")


class Station:
    """At rest its host runs `version`."""

    def __init__(self, kong: str = "2.8.5"):
        self.kong = kong
        self.fleet = Fleet(1, version=kong, waves='["100%"]', bake='"200ms"', confirm_timeout='"5s"')
        self.fleet.__enter__()
        self.host = self.fleet[0]
        self.number = 0
        self.version = ""
        try:
            self.host.write("/etc/systemd/system/kong.service.d/restart.conf", RESTART)
            self.host.run("systemctl", "daemon-reload")
            self.roll_out()
        except BaseException:
            self.close()
            raise

    def close(self, *error) -> None:
        self.fleet.__exit__(*(error or (None, None, None)))

    def header(self) -> str | None:
        return self.fleet.header(self.host)

    def write_next(self, access: str = "") -> str:
        self.number += 1
        version = f"1.{self.number}.0"
        self.fleet.write_plugin(version, access=access)
        return version

    def roll_out(self) -> None:
        """The whole way to a next version, which must succeed."""
        self.fleet.let_go()
        self.fleet.write_fleet_file()
        self.version = self.write_next()
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.is_at_rest()
        self.fleet.kongfleet("status", expect=0)

    def rollout(self, *, good: bool = True, access: str = "", **settings) -> Rollout:
        """Begins one to a next version, which answers 500 if it is not `good`, and runs `access`
        for a request; `settings` are of [rollout]."""
        self.fleet.let_go()
        self.fleet.write_fleet_file(**settings)
        version = self.write_next(access if good else 'error("a bug that only requests show")')
        return Rollout(version, self.fleet.start_kongfleet("--output", "json", "rollout", "--yes"))

    def settle(self, phase: str, new: str) -> None:
        """Waits until the host is at rest, on what the controller was told: the `new` version if it
        says `done`, what was before if it says that the host is back, either if it
        does not know."""
        try:
            wait_for("the host is at rest", self.says_ready)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.status()}") from None
        committed = self.status()["releases"][0]["version"]
        wanted = (new,) if phase == "done" else (self.version,) if phase in IS_BACK \
            else (self.version, new)
        if committed not in wanted or phase == "stranded":
            raise AssertionError(f"the controller says '{phase}', and the host is on {committed}, "
                                 f"not {wanted}")
        self.version = committed
        self.is_at_rest()

    def status(self) -> dict:
        """What the host's agent says by way of the controller; empty while it says nothing."""
        said = self.fleet.kongfleet("--output", "json", "status").json()["hosts"][0]
        return said.get("agent") or {}

    def says_ready(self) -> bool:
        status = self.status()
        return status.get("state") == "ready" and status["drift"] == []

    def is_at_rest(self) -> None:
        """What must hold whenever nothing is under way; AssertionError with what does not."""
        record, status = journal(self.host), self.status()
        said = [f"{release['name']} {release['version']}" for release in status["releases"]]
        served = {self.header() for _ in range(6)}
        verify = self.host.run("kongfleet-agent", "verify", check=False)
        truths = {
            "nothing is open": "open" not in record,
            "kong.conf names what is confirmed":
                f"{STATE}/generations/{record['committed']:06d}-" in self.host.read(CONF),
            f"{said} is {self.version}": said == [f"my-plugin {self.version}"],
            f"{served} is {self.version}": served == {self.version},
            f"{status['generation']} is the journal's": status["generation"] == record["committed"],
            f"verify: {verify.stdout}{verify.stderr}": verify.returncode == 0,
            f"no litter: {self.litter()}": not self.litter(),
        }
        wrong = [name for name, holds in truths.items() if not holds]
        if wrong:
            raise AssertionError(f"at rest, but not: {'; '.join(wrong)}")

    def litter(self) -> set[str]:
        def names(directory: str) -> set[str]:
            return {path.name for path in self.host.path(directory).iterdir()}
        unfinished = {name for name in names(f"{STATE}/generations") if name.startswith(".")}
        return names("/etc/kong") - CONF_NAMES | names(STATE) - STATE_NAMES | unfinished
