# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""One Kong of the tests: its files in a temporary directory, its ports on loopback."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import namedtuple

from . import plugin_tree

DEADLINE = 30  # seconds for anything to happen on a busy machine
Reply = namedtuple("Reply", "status headers body")
Result = namedtuple("Result", "code out err")


def until(condition, seconds=DEADLINE):
    """The first true value of `condition`, or the last one when the deadline has passed."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def free_port():
    while True:
        port = random.randint(10000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def process_fields(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def title(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def children(parent):
    """proc(5), /proc/PID/task/TID/children: a whole look through /proc costs a hundred times that."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            found = [int(name) for name in file.read().split()]
    except OSError:
        return []
    return [pid for pid in found if (process_fields(pid) or "Z")[0] != "Z"]


class Node:
    """A prefix, a kong.conf, a kong.yml and the generations beside them."""

    def __init__(self, kong, upstream_port):
        self.kong = kong
        self.root = tempfile.mkdtemp(prefix="kong-facts-")
        os.chmod(self.root, 0o755)
        self.prefix = os.path.join(self.root, "p")
        self.conf = os.path.join(self.root, "kong.conf")
        self.yml = os.path.join(self.root, "kong.yml")
        self.proxy, self.admin, self.status = free_port(), free_port(), free_port()
        self.upstream_port = upstream_port
        self.settings = {}
        self.write_yml()

    # Files

    def generation(self, name, directory=None):
        return plugin_tree.write(self.root, name, directory)

    def write_yml(self, plugin="    - name: my-plugin\n", text=None):
        with open(self.yml, "w", encoding="utf-8") as file:
            file.write(text or (
                '_format_version: "2.1"\nservices:\n- name: echo\n'
                f"  url: http://127.0.0.1:{self.upstream_port}\n"
                "  routes:\n  - name: a\n    paths:\n    - /a\n"
                + ("    plugins:\n" + plugin if plugin else "")))

    def write_conf(self, path=None, **changes):
        """Writes kong.conf; a value of None leaves the property out."""
        settings = {
            "database": "off", "prefix": self.prefix, "declarative_config": self.yml,
            "proxy_listen": f"127.0.0.1:{self.proxy}", "admin_listen": f"127.0.0.1:{self.admin}",
            "status_listen": f"127.0.0.1:{self.status}", "admin_gui_listen": "off",
            "nginx_worker_processes": "2", "anonymous_reports": "off",
            "plugins": "request-termination,my-plugin",
            "lua_package_path": os.path.join(self.root, "gen1") + "/?.lua;;",
        }
        settings.update(self.settings)
        settings.update(changes)
        with open(path or self.conf, "w", encoding="utf-8") as file:
            for key, value in settings.items():
                if value is not None:
                    file.write(f"{key} = {value}\n")
        return path or self.conf

    def use(self, name, **changes):
        """Makes kong.conf name generation `name`, written if it is not there."""
        return self.write_conf(lua_package_path=self.generation(name), **changes)

    def read(self, name):
        with open(os.path.join(self.prefix, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def env(self, key):
        """A value of .kong_env, the last line of that key; None when there is none."""
        value = None
        for line in self.read(".kong_env").splitlines():
            name, _, rest = line.partition(" = ")
            if name == key:
                value = rest
        return value

    def error_log(self, offset=0):
        try:
            with open(os.path.join(self.prefix, "logs", "error.log"), "rb") as file:
                file.seek(offset)
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def error_log_size(self):
        return os.path.getsize(os.path.join(self.prefix, "logs", "error.log"))

    # Commands

    def run(self, *arguments, environment=None, cwd="/", timeout=60):
        env = {k: v for k, v in os.environ.items() if not k.startswith("KONG_")
               or k.startswith("KONG_STANDIN_")}
        env.pop("LUA_PATH", None)
        env.update(self.kong.environment)
        env.update(environment or {})
        # Files, not pipes: a daemon keeps what it inherits and a pipe would never end.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run([*self.kong.command, *arguments], stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=err, env=env, cwd=cwd, timeout=timeout,
                                  check=False)
            out.seek(0)
            err.seek(0)
            result = Result(done.returncode, out.read().decode(errors="replace"),
                            err.read().decode(errors="replace"))
        if result.code == 0 and arguments[0] in ("start", "restart"):
            # nginx writes its pid file a moment after the command has returned.
            until(self.master_runs)
        return result

    def start(self, **options):
        result = self.run("start", "-c", self.conf, **options)
        if result.code != 0:
            raise RuntimeError("the node did not start: " + result.out + result.err)
        # The command returns when the master has loaded; the workers come a moment later.
        until(lambda: len(self.workers()) == 2)
        return result

    def reload(self, *arguments, **options):
        return self.run("reload", *(arguments or ("-c", self.conf)), **options)

    # Processes

    def master_runs(self):
        pid = self.master()
        return pid and title(pid).startswith("nginx: master")

    def master(self):
        try:
            return int(self.read("pids/nginx.pid"))
        except (OSError, ValueError):
            return None

    def workers(self):
        """Pids of the workers that take connections."""
        return {pid for pid in children(self.master())
                if title(pid) == "nginx: worker process"} if self.master() else set()

    def draining(self):
        return {pid for pid in children(self.master()) if "is shutting down" in title(pid)}

    def replaced(self, old):
        """Waits until none of `old` serves and two others do."""
        return until(lambda: len(self.workers()) == 2 and not self.workers() & old
                     and not set(children(self.master())) & old)

    # Requests

    def get(self, port, path="/", method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, {"Connection": "close", **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()},
                         response.read().decode(errors="replace"))
        finally:
            connection.close()

    def ask(self, path="/a"):
        """(status, version of the plugin that answered) of a request through the proxy."""
        try:
            reply = self.get(self.proxy, path)
        except (OSError, http.client.HTTPException):
            return None, None
        return reply.status, reply.headers.get("x-myplugin")

    def served(self, version):
        """Waits until ten answers in a row come from `version`."""
        return until(lambda: all(self.ask()[1] == version for _ in range(10)))

    def node(self):
        """GET / of the Admin API, decoded; {} when it is not JSON."""
        try:
            reply = self.get(self.admin)
            return json.loads(reply.body) if reply.status == 200 else {}
        except (OSError, ValueError, http.client.HTTPException):
            return {}

    def admin_workers(self):
        return self.node().get("pids", {}).get("workers")

    def ready(self):
        try:
            return self.get(self.status, "/status/ready")
        except (OSError, http.client.HTTPException):
            return Reply(0, {}, "")

    def post_config(self, text):
        return self.get(self.admin, "/config", "POST", json.dumps({"config": text}),
                        {"Content-Type": "application/json"})

    # Ends

    def masters(self):
        """Masters of this node, by the unique prefix in their titles."""
        return [int(name) for name in os.listdir("/proc") if name.isdigit()
                and title(name).startswith("nginx: master") and f" {self.root}/" in title(name)]

    def end_masters(self):
        for pid in self.masters():
            os.kill(pid, signal.SIGTERM)
        if not until(lambda: not self.masters(), 10):
            for pid in self.masters():
                for process in [pid, *children(pid)]:
                    os.kill(process, signal.SIGKILL)

    def close(self):
        self.end_masters()
        shutil.rmtree(self.root, ignore_errors=True)
