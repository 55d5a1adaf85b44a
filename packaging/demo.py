#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What packaging/demo runs once everything is installed:  demo.py [--keep]

Builds, boots three real hosts, and takes everything away again; --keep leaves the hosts running.
Each step is checked: the exit code is not 0 when anything went otherwise than it says.
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
HANDLER = "plugins/my-plugin/kong/plugins/my-plugin/handler.lua"
HEADER = 'MyPlugin.VERSION .. " says " .. conf.greeting'

sys.path.insert(0, str(PROJECT / "tests/fleet"))

COLOUR = sys.stdout.isatty()


def paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def say(text: str) -> None:
    print("\n" + paint("1;36", f"# {text}"), flush=True)


class Wrong(Exception):
    """A step did not end as it should."""


class Stage:
    """The user's terminal, as it were: commands are typed in the fleet's directory and checked."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.environment = dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}")

    def type(self, command: str, expect: int = 0) -> str:
        print(paint("1", f"$ {command}"), flush=True)
        process = subprocess.Popen(["bash", "-c", command], cwd=self.fleet.directory, text=True,
                                   env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = ""
        for line in process.stdout:
            output += line
            print(line, end="", flush=True)
        code = process.wait()
        if code != expect:
            raise Wrong(f"'{command}' ended with exit {code} and should have with {expect}")
        print(paint("2", f"(exit {code})"), flush=True)
        return output

    def ask_all(self, version: str) -> None:
        """curl on each host must show the plugin's header with this version."""
        for host in self.fleet:
            url = f"http://{host.address}:8000/mock/anything"
            answer = self.type(f"curl -si {url} | grep -iE '^(HTTP|X-MyPlugin)'")
            header = answer.partition("MyPlugin: ")[2].strip()
            if "200" not in answer.split("\n")[0] or header != f"{version} says hello":
                raise Wrong(f"'{host.name}' should answer with version {version}, but:\n{answer}")


def workers(host) -> set[str]:
    """The gateway's processes on a host that serve, each with its start time."""
    pid = "$(cat /usr/local/kong/pids/nginx.pid)"
    table = host.run("sh", "-c", f"ps -ww -o pid=,lstart=,args= -p {pid} --ppid {pid}")
    return {line for line in table.stdout.splitlines() if "shutting down" not in line}


def play(stage: Stage) -> None:
    fleet = stage.fleet
    say("Three hosts, each with systemd, sshd, a gateway and an agent. This is the fleet:")
    stage.type("cat fleet.toml")
    say("And this the plugin, at version 1.0.0:")
    fleet.write_plugin("1.0.0", header=HEADER)
    stage.type(f"cat {HANDLER}")

    say("What would change, and nothing touched yet (exit 2: there are changes):")
    stage.type("kongfleet plan", expect=2)
    say("Roll it out: the first host, then, after it stayed healthy, the others.")
    stage.type("kongfleet rollout --yes")
    stage.ask_all("1.0.0")

    say("Version 1.1.0:")
    fleet.write_plugin("1.1.0", header=HEADER)
    stage.type("kongfleet rollout --yes")
    stage.ask_all("1.1.0")

    say("Version 1.2.0 has a syntax error. It is refused before any gateway is touched (exit 5).")
    before = [workers(host) for host in fleet]
    fleet.write_plugin("1.2.0", header=HEADER, access="if conf.greeting the return end")
    stage.type(f"grep -A 2 :access {HANDLER}")
    stage.type("kongfleet rollout --yes", expect=5)
    if before != [workers(host) for host in fleet]:
        raise Wrong("a gateway was touched by a release that should have been refused")
    stage.ask_all("1.1.0")

    say("Version 1.3.0 loads, but answers every request with 500. The first host finds out, goes "
        "back\n# by itself, and the others never see it (exit 3).")
    fleet.write_plugin("1.3.0", header=HEADER, access='error("a bug that only requests show")')
    stage.type(f"grep -A 2 :access {HANDLER}")
    stage.type("kongfleet rollout --yes", expect=3)
    after = [workers(host) for host in fleet]
    if before[0] == after[0] or before[1:] != after[1:]:
        raise Wrong("the first host should have tried 1.3.0, and no other")
    stage.ask_all("1.1.0")

    say("Back to 1.1.0 in the source tree, and the fleet is as it should be:")
    fleet.write_plugin("1.1.0", header=HEADER)
    stage.type("kongfleet status")
    say("And back to the generation before, on all hosts at once:")
    stage.type("kongfleet rollback --yes")
    stage.ask_all("1.0.0")


def leave_running(fleet) -> None:
    harness = shlex.quote(str(PROJECT / "tests/hosts/hosts.py"))
    hosts = shlex.quote(str(fleet.hosts.directory))
    say("The hosts are left running. To play with them:")
    print(f"""\
cd {shlex.quote(str(fleet.directory))} && PATH={shlex.quote(str(BUILD))}:$PATH
kongfleet status
$EDITOR {HANDLER} && kongfleet rollout  # give it a new VERSION
{harness} exec {hosts} edge-1 journalctl -u kongfleet-agent
To end them:
{harness} down {hosts} && rm -r {shlex.quote(str(fleet.directory))}""")


def main() -> int:
    if sys.argv[1:] not in ([], ["--keep"]):
        print(__doc__.strip().splitlines()[0], file=sys.stderr)
        return 1
    if os.geteuid() != 0:
        print("packaging/demo: the hosts' namespaces and mounts need root", file=sys.stderr)
        return 1
    keep = "--keep" in sys.argv
    subprocess.run(["cmake", "-S", PROJECT, "-B", BUILD, "-G", "Ninja", "-DKONGFLEET_BUNCHES=ON"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, "--quiet", "kongfleet", "kongfleet-agent"], check=True)
    from fleet import Fleet

    say("Booting three hosts. The first time ever, what they share is made first: a minute or two.")
    began = time.monotonic()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="kongfleet-demo-"))
    try:
        with Fleet(3, directory=directory, keep=keep, bake='"2s"',
                   probe='header = { X-MyPlugin = ".*hello" }\n') as fleet:
            try:
                play(Stage(fleet))
            finally:
                if keep:
                    leave_running(fleet)
    except Wrong as error:
        print(paint("1;31", f"\nNot as it should be: {error}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
    say(f"Everything went as it should, in {time.monotonic() - began:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
