#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Passwords that lie where kongfleet reads go nowhere: not into what it prints, reports, logs, remembers, posts or
writes, nor into arguments and environments of what it runs. Each secret has a word of its own that is searched everywhere."""
import http.server
import os
import pathlib
import re
import stat
import subprocess
import threading
import time
import unittest

from fleet import Fleet, wait_for

CONF, UNIT, FILE, HOOK, TOKEN = (f"CANARY-{name}-7f3a91" for name in ("conf", "unit", "file", "hook", "token"))
SECRET = re.compile(rb"CANARY-\w+-7f3a91")
DROP_IN = "/etc/systemd/system/kong.service.d/kong.conf"
VARIABLES = "/etc/default/kong"
# Where they were put, and what Kong itself makes of its configuration.
THEIRS = ("/etc/kong/kong.conf", DROP_IN, VARIABLES, "/usr/local/kong/")
# A plugin that tells of a password where it is loaded, or in a worker, and of what only the unit knows.
TALE = ('local all = kong and kong.configuration or {} '
        'error("no database for " .. tostring(os.getenv("KONG_PG_PASSWORD") or all.pg_password) '
        '.. " or " .. os.getenv("KONG_MY_TOKEN"))')
# What we run may have a secret among its variables only where it is Kong.
OURS = ("kongfleet", "kongfleet-agent", "systemctl", "systemd-run", "journalctl", "true")


class Receiver(http.server.ThreadingHTTPServer):
    """Takes in what the webhook posts."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.seen = b""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.seen += str(self.headers).encode()
            self.server.seen += self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass


class Watch(threading.Thread):
    """Looks at every process of this machine, hosts' included, and at files below `trees`, as often as it can."""

    def __init__(self, trees):
        super().__init__(daemon=True)
        self.trees = trees
        self.leaks, self.programs, self.copies, self.over = set(), set(), set(), False
        self.known = {}
        self.start()

    def run(self):
        while not self.over:
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    arguments = (process / "cmdline").read_bytes()
                    if self.known.get(process.name) != arguments:
                        self.look(process, arguments)
                    self.known[process.name] = arguments
                except OSError:  # it has ended
                    self.known.pop(process.name, None)
            for tree in self.trees:
                for path in where_in(tree):
                    self.copies.add(path.name)
                    if open_to_others(path, tree):
                        self.leaks.add(("file", path))
            time.sleep(0.002)

    def look(self, process, arguments):
        name = (process / "comm").read_text().strip()
        self.programs.add(name)
        self.leaks |= {(name, "arguments", word) for word in SECRET.findall(arguments)}
        if name in OURS:
            variables = (process / "environ").read_bytes()
            self.leaks |= {(name, "environment", word) for word in SECRET.findall(variables)}


def where_in(tree: pathlib.Path, but: tuple = ()):
    """Every file below that has a secret in it."""
    for directory, inner, names in os.walk(tree):
        inner[:] = [name for name in inner if os.path.join(directory, name) not in but]
        for name in names:
            path = pathlib.Path(directory, name)
            try:
                if stat.S_ISREG(path.lstat().st_mode) and SECRET.search(path.read_bytes()):
                    yield path
            except OSError:  # it is gone
                pass


def open_to_others(path: pathlib.Path, tree: pathlib.Path) -> bool:
    """Whether somebody who is neither its owner nor in its group can read it."""
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return False
        ways = [path.parent, *(way for way in path.parent.parents if way.is_relative_to(tree))]
        return all(way.stat().st_mode & stat.S_IXOTH for way in ways)
    except OSError:
        return False


class SecretsTest(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.server_close)
        self.addCleanup(self.receiver.shutdown)
        self.fleet = Fleet(2, uses_plugin=False, waves='["100%"]', max_unavailable=2)
        self.fleet.__enter__()
        self.addCleanup(self.fleet.__exit__, None, None, None)
        self.watch = Watch([host.path(place) for host in self.fleet
                            for place in ("/var/lib/kongfleet", "/etc/kong", "/etc/systemd/system")])
        self.addCleanup(setattr, self.watch, "over", True)
        self.said = b""

    def plant(self, host, way):
        conf = host.read("/etc/kong/kong.conf")
        for name in ("/etc/kong/kong.conf", VARIABLES, DROP_IN):  # closed before there is a secret in it
            host.write(name, "", mode=0o600)
        host.write("/etc/kong/kong.conf", conf + f"pg_password = {CONF}\n", mode=0o600)
        host.write(VARIABLES, f"KONG_PG_RO_PASSWORD={FILE}\n", mode=0o600)
        managed = way == "environment"
        # On the very line that is changed, and on one of its own.
        host.write(DROP_IN, "[Service]\n"
                   f"Environment=KONG_MY_TOKEN={TOKEN} KONG_NGINX_MAIN_ENV=KONG_MY_TOKEN\n"
                   f"Environment=KONG_PG_PASSWORD={UNIT}{' KONG_PLUGINS=bundled' if managed else ''}\n"
                   + ("Environment=KONG_LUA_PACKAGE_PATH=./?.lua;\n" if managed else "") +
                   f"EnvironmentFile={VARIABLES}\n", mode=0o600)
        host.write("/etc/kongfleet/agent.toml", f'[kong]\nconfigure = "{way}"\n')
        host.write("/etc/systemd/system/kongfleet-.service.d/paths.conf",
                   "[Service]\nReadWritePaths=/etc/systemd/system/kong.service.d /etc/default\n")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "restart", "kong.service", "kongfleet-agent.service")
        wait_for("the gateway answers", lambda: self.fleet.serves(host))

    def write_fleet_file(self, probe=""):
        self.fleet.probe = probe
        file = self.fleet.write_fleet_file()
        url = f"http://127.0.0.1:{self.receiver.server_port}/"
        file.write_text(file.read_text() + f'\n[webhook]\nurl = "{url}"\n'
                        'secret_file = "webhook-secret"\n[hooks]\nbefore_host = "true"\n')

    def kongfleet(self, *arguments, expect):
        result = self.fleet.kongfleet(*arguments, expect=expect)
        self.said += (result.out + result.err).encode()
        return result.out

    def work(self):
        """A plan, success, every kind of failure, and all that is told of them."""
        self.fleet.write_plugin("1.0.0")
        self.assertIn("Environment=KONG_PG_PASSWORD=… KONG_PLUGINS=bundled,my-plugin",
                      self.kongfleet("plan", expect=2))
        self.kongfleet("--output", "json", "plan", expect=2)
        self.kongfleet("check", "--hosts", expect=0)
        self.kongfleet("--output", "json", "rollout", "--yes", expect=0)
        self.fleet.write_plugin("1.1.0", access="if conf.greeting the return end")
        self.kongfleet("rollout", "--yes", expect=5)
        self.fleet.write_plugin("1.2.0")
        self.write_fleet_file('header = { X-MyPlugin = "never" }\n')
        self.kongfleet("rollout", "--yes", expect=3)
        self.write_fleet_file()
        for version, code, before, inside in (("1.3.0", 5, TALE, ""), ("1.4.0", 3, "", TALE)):
            handler = (f'{before}\nreturn {{ PRIORITY = 1, VERSION = "{version}",\n'
                       f'  init_worker = function() {inside} end }}\n')
            self.fleet.write_plugin(version, files={"handler.lua": handler})
            self.kongfleet("rollout", "--yes", expect=code)
            self.assertIn("no database for … or …", self.kongfleet("show", "latest", expect=0))
        for command in (["show"], ["report"], ["--output", "json", "show"]):
            self.kongfleet(*command, "latest", expect=0)
        self.kongfleet("report", "latest", "-o", "report.html", expect=0)
        self.kongfleet("--output", "json", "status", expect=0)
        self.write_fleet_file()
        self.kongfleet("rollback", "--yes", "--to", "0", expect=0)
        for host in self.fleet:
            for command in ("status", "history", "verify"):
                ran = host.run("kongfleet-agent", command, check=False)
                self.said += (ran.stdout + ran.stderr).encode()

    def see_that_leaks_are_seen(self):
        word = "CANARY-planted-7f3a91"
        open_copy = self.fleet[0].path("/etc/kong/open")
        open_copy.write_text(word)
        program = self.fleet.directory / "systemd-run"  # by which name it counts as ours
        program.symlink_to("/bin/sh")
        subprocess.run([program, "-c", f"sleep 3; : {word}"], env={"A": word, **os.environ}, check=True)
        open_copy.unlink()
        wanted = {(program.name, "arguments", word.encode()),
                  (program.name, "environment", word.encode()), ("file", open_copy)}
        self.assertEqual(self.watch.leaks & wanted, wanted)
        self.watch.leaks -= wanted
        self.watch.programs.clear()

    def test_no_secret_leaves_the_place_it_was_put(self):
        (self.fleet.directory / "webhook-secret").write_text(HOOK)
        self.write_fleet_file()
        for host, way in zip(self.fleet, ("environment", "file")):
            self.plant(host, way)
        self.see_that_leaks_are_seen()
        self.work()
        self.watch.over = True
        self.watch.join()
        self.assertEqual(self.watch.leaks, set())
        self.assertLessEqual({"kongfleet", "kongfleet-agent", "systemd-run"}, self.watch.programs)
        self.assertIn("environment", self.watch.copies)  # seen while Kong loaded a candidate
        self.assertIsNone(SECRET.search(self.said))
        self.assertIn(b"X-Kongfleet-Signature", self.receiver.seen)
        self.assertIsNone(SECRET.search(self.receiver.seen))
        hosts = self.fleet.hosts.directory
        self.assertEqual([path.name for path in where_in(self.fleet.directory, (str(hosts),))],
                         ["webhook-secret"])
        for host in self.fleet:
            self.look_at(host)

    def look_at(self, host):
        """What is left on the host: only what was there before."""
        root = host.path("/")
        left = [f"/{path.relative_to(root)}" for path in where_in(root)]
        self.assertEqual([name for name in left if not name.startswith(THEIRS)], [])
        for name in ("/etc/kong/kong.conf", VARIABLES, DROP_IN):
            self.assertIn(name, left)
            self.assertEqual(stat.S_IMODE(host.path(name).stat().st_mode), 0o600, name)
        found = host.run("grep", "-rlE", "-D", "skip", "--exclude-dir=journal", SECRET.pattern.decode()
                         .replace(r"\w", "[a-z]"), "/run", "/tmp", "/var/tmp", check=False)
        self.assertEqual(found.stdout, "")
        log = host.run("journalctl", "--no-pager", "-o", "export").stdout.encode()
        self.assertIn(b"kongfleet-agent", log)
        self.assertIsNone(SECRET.search(log))


if __name__ == "__main__":
    unittest.main(verbosity=2)
