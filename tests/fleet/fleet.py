# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of whole fleets are made of: real hosts, each with an agent and a gateway, a fleet
file, plugins, and the real controller.

    with Fleet(3) as fleet:
        fleet.write_plugin("1.0.0")
        fleet.kongfleet("rollout", "--yes", expect=0)
        assert fleet.headers() == ["1.0.0"] * 3

Programs come from the build directory that KONGFLEET_BUILD names, default `build` of the project.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from dataclasses import dataclass

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "tests/hosts")]
import sanitized
from documents import checked, document, documents
from host import Host
from hosts import Hosts
from provision import KONG_YML

BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
PLUGIN = "my-plugin"
HEADER = "x-myplugin"

KONG_YML_WITH_PLUGIN = KONG_YML + f"""\
  plugins:
  - name: {PLUGIN}
    config:
      greeting: hello
"""

HANDLER = """\
local MyPlugin = {{ PRIORITY = 1000, VERSION = "{version}" }}
{access}
function MyPlugin:header_filter(conf)
  kong.response.set_header("X-MyPlugin", {header})
end

return MyPlugin
"""
SCHEMA = """\
return {
  name = "my-plugin",
  fields = {
    { config = { type = "record", fields = {
      { greeting = { type = "string", default = "hello" } },
    } } },
  },
}
"""

FLEET_FILE = """\
[fleet]
name = "{name}"

[ssh]
user = "kongfleet"
known_hosts = "known_hosts"
config = "ssh_config"
identity = ["deploy_key"]
connect_timeout = "10s"

[plugins.{plugin}]
source = "plugins/{plugin}"

[groups.edge]
hosts = [{hosts}]
plugins = ["{plugin}"]
probes = ["mock"]

[rollout]
{rollout}
[probes.mock]
type = "http"
url = "http://127.0.0.1:8000/mock/anything"
status = 200
interval = "100ms"
timeout = "10s"
successes = 3
{probe}"""
# Quick, and the first host on its own: what differs a test says.
ROLLOUT = {"waves": '[1, "100%"]', "bake": '"1s"', "max_unavailable": 1, "max_failures": 0,
           "on_failure": '"rollback"', "deadline": '"180s"', "confirm_timeout": '"60s"'}


@dataclass
class Result:
    """What the controller did: its exit code and all that it printed."""
    code: int
    out: str
    err: str

    def json(self) -> dict:
        return document(self.out)

    def events(self) -> list[dict]:
        return documents(self.out)


class Fleet:
    """Settings of [rollout] may be given as keyword arguments, in TOML: bake='"5s"'; `probe` is
    more lines for the probe of /mock.

    `uses_plugin`: once the hosts are up, their kong.yml attaches my-plugin to /mock. The gateways
    take that up with the first reload that also has the plugin, as a real Kong does; one that
    starts on it without having the plugin does not come up. Without `agent` there is none on the
    hosts, for a test that installs it.
    """

    def __init__(self, count: int, *, version: str = "2.8.5", uses_plugin: bool = True,
                 directory: pathlib.Path | None = None, keep: bool = False, probe: str = "",
                 agent: bool = True, **rollout):
        for program in ("kongfleet", "kongfleet-agent"):
            if not (BUILD / program).is_file():
                raise RuntimeError(f"test a fleet: '{BUILD / program}' is not built; "
                                   "KONGFLEET_BUILD can name another build directory")
        self.scratch = None if directory else tempfile.mkdtemp(prefix="kongfleet-fleet-")
        self.directory = pathlib.Path(directory or self.scratch)
        self.hosts = Hosts(self.directory / "hosts", count, gateway=version, keep=keep,
                           agent=BUILD / "kongfleet-agent" if agent else None)
        self.uses_plugin = uses_plugin
        self.probe = probe
        self.rollout = ROLLOUT | rollout

    def __enter__(self) -> "Fleet":
        try:
            sanitized.report_from(BUILD / "kongfleet", self.directory)
            self.hosts.__enter__()
            for host in self.hosts:
                wait_for(f"the gateway of '{host.name}' answers", lambda: self.serves(host))
                if self.uses_plugin:
                    host.write("/etc/kong/kong.yml", KONG_YML_WITH_PLUGIN)
            for name in ("deploy_key", "known_hosts"):
                shutil.copy(self.hosts.directory / name, self.directory / name)
            self.write_fleet_file()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_) -> None:
        try:
            if kind and kind is not KeyboardInterrupt:
                self.explain()
            sanitized.require_clean(list(self.hosts), self.directory)
        finally:
            self.hosts.__exit__(kind, *_)
            if self.scratch and not self.hosts.keep:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def explain(self) -> None:
        """What a person needs who reads of a test that failed: each agent's and gateway's words."""
        for host in self.hosts:
            if not host.leader:
                continue
            for unit in ("kongfleet-agent", "kongfleet-recover", "kong"):
                tail = host.run("journalctl", "--no-pager", "-o", "cat", "-n", "60", "-u", unit,
                                check=False).stdout
                print(f"--- {host.name} {unit}\n{tail}", file=sys.stderr)

    def __iter__(self):
        return iter(self.hosts)

    def __getitem__(self, index: int) -> Host:
        return self.hosts[index]

    def write_fleet_file(self, **changes) -> pathlib.Path:
        """Writes fleet.toml anew, with other settings of [rollout] where some are given."""
        settings = self.rollout | changes
        text = FLEET_FILE.format(
            name="edge", plugin=PLUGIN, probe=self.probe,
            hosts=", ".join(f'"{host.name}"' for host in self.hosts),
            rollout="".join(f"{key} = {value}\n" for key, value in settings.items()))
        # Hosts are called by name; where they are is ssh_config's affair, as with any fleet's aliases.
        (self.directory / "ssh_config").write_text("".join(
            f"Host {host.name}\n  HostName {host.address}\n" for host in self.hosts))
        path = self.directory / "fleet.toml"
        path.write_text(text)
        return path

    def write_plugin(self, version: str, *, header: str = "", access: str = "",
                     files: dict[str, str] | None = None) -> pathlib.Path:
        """Writes my-plugin's tree. `access` is Lua for that phase, `header` the Lua expression that
        X-MyPlugin is set to (the version if empty), `files` more files, or others in place of
        handler.lua and schema.lua."""
        tree = self.directory / "plugins" / PLUGIN
        if tree.exists():
            shutil.rmtree(tree)
        phase = f"\nfunction MyPlugin:access(conf)\n  {access}\nend\n" if access else ""
        handler = HANDLER.format(version=version, access=phase,
                                 header=header or "MyPlugin.VERSION")
        written = {"handler.lua": handler, "schema.lua": SCHEMA} | (files or {})
        for name, text in written.items():
            path = tree / "kong/plugins" / PLUGIN / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tree

    def command(self, *arguments: str, file: str = "fleet.toml") -> list[str]:
        return [str(BUILD / "kongfleet"), "-f", file, *arguments]

    def kongfleet(self, *arguments: str, expect: int | None = None, timeout: float = 300,
                  file: str = "fleet.toml") -> Result:
        """Runs the controller to its end. With `expect`, another exit code is an error; so is JSON
        that is not as the schema says."""
        done = subprocess.run(self.command(*arguments, file=file), cwd=self.directory, text=True,
                              errors="replace", capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=timeout, check=False)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"kongfleet {' '.join(arguments)}: exit {done.returncode}, not "
                                 f"{expect}\n{done.stdout}{done.stderr}")
        if "json" in arguments:
            documents(done.stdout)
        return Result(done.returncode, done.stdout, done.stderr)

    def start_kongfleet(self, *arguments: str) -> subprocess.Popen:
        """Starts the controller, for a test that interferes. Its output is text, in two pipes."""
        return subprocess.Popen(self.command(*arguments), cwd=self.directory, text=True,
                                errors="replace", stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def let_go(self) -> None:
        """Aborts the rollout that a test left unfinished, if it did."""
        history = self.kongfleet("--output", "json", "history", "--limit", "1", expect=0).json()
        if any(rollout["state"] not in ("ended", "aborted") for rollout in history["rollouts"]):
            self.kongfleet("abort", "--yes", "latest")

    def serves(self, host: Host) -> bool:
        try:
            return host.http_get("/mock/anything").status == 200
        except OSError:
            return False

    def header(self, host: Host) -> str | None:
        """What a client sees of my-plugin on a host; None where it does not run."""
        return host.http_get("/mock/anything").headers.get(HEADER)

    def headers(self) -> list[str | None]:
        return [self.header(host) for host in self.hosts]


class FleetTest(unittest.TestCase):
    """Tests of one class that share its `fleet`: of one that fails, the hosts tell what they saw."""
    fleet: Fleet | None = None

    @classmethod
    def begin_with_one_host(cls) -> None:
        """`fleet` has one, `host`, on which my-plugin 1.0.0 is confirmed."""
        cls.fleet = Fleet(1)
        cls.fleet.__enter__()
        cls.host = cls.fleet[0]
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)

    @classmethod
    def tearDownClass(cls):
        if cls.fleet:
            cls.fleet.__exit__(None, None, None)

    def run(self, result=None):
        result = result or self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if self.fleet and len(result.failures) + len(result.errors) > before:
            self.fleet.explain()
        return result


def wait_for(what: str, happened, seconds: float = 120) -> None:
    """Polls until `happened()` is true; AssertionError with `what` when it is not in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def write_proof(name: str, promise: str, *, count: int, bad: int, seconds: float) -> None:
    """Records what a test proved, for tests/run's table, when it is asked for."""
    directory = os.environ.get("KONGFLEET_PROOF_DIR")
    if directory:
        entry = {"name": name, "promise": promise, "count": count, "bad": bad, "seconds": seconds}
        (pathlib.Path(directory) / f"{name}.json").write_text(json.dumps(entry) + "\n")
