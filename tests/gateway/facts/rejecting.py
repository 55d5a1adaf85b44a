# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Reloads that nginx's master rejects in silence, and what one sees afterwards."""

import os
import re
import signal
import socket

from .node import title, until

# What the error log says about each generation that does not load.
REASONS = {
    "3a": r"my-plugin/handler\.lua:\d+: '<eof>' expected near 'local'",
    "3b": r"boom at require",
    "3c": r"on plugin 'my-plugin': no configuration schema found for plugin: my-plugin",
    "3d": r"on plugin 'my-plugin': \[off\] schema violation \(fields\.1: \{",
    "3e": r"on plugin 'my-plugin': my-plugin plugin is enabled but not installed;\nno plugin found",
    "3f": r"in 'greeting': unknown field",
    "3g": r"module 'no\.such\.module' not found",
}
GREETING = "    - name: my-plugin\n      config:\n        greeting: hello\n"


def rejections(log, master):
    return re.findall(rf"^\S+ \S+ \[error\] {master}#\d+: init_by_lua error: ", log, re.M)


def each_broken_generation(check, node):
    node.write_yml(GREETING)
    node.generation("1")
    node.write_conf()
    node.start()
    for name in sorted(REASONS):
        master, old, before = node.master(), node.workers(), node.node()
        path = node.generation(name)
        node.write_conf(lua_package_path=path)
        result = node.run("check", node.conf)
        check(f"gen{name}: kong check is exit 0", result.code == 0, result)
        scratch = os.path.join(node.root, "scratch-" + name)
        result = node.run("prepare", "-c", node.conf, "-p", scratch)
        check(f"gen{name}: prepare of a scratch prefix is exit 0", result.code == 0, result)
        offset = node.error_log_size()
        result = node.reload()
        check(f"gen{name}: reload is exit 0, 'Kong reloaded'",
              result.code == 0 and "Kong reloaded" in result.out, result)
        until(lambda o=offset: rejections(node.error_log(o), master))
        log = node.error_log(offset)
        check(f"gen{name}: one init_by_lua error line, by the master",
              len(rejections(log, master)) == 1, log)
        check(f"gen{name}: it says why", re.search(REASONS[name], log), log)
        check(f"gen{name}: the old workers stay", node.workers() == old and node.master() == master)
        check(f"gen{name}: kong health is exit 0",
              node.run("health", "-p", node.prefix).code == 0)
        check(f"gen{name}: the old code serves", node.served("1.0.0"), node.ask())
        after_rejection(check, node, name, before, path)
        node.write_conf()
        node.reload()
        check(f"gen{name}: back to gen1 and reload heals it", node.replaced(old)
              and until(node.admin_workers) and node.served("1.0.0"))


def after_rejection(check, node, name, before, path):
    after = node.node()
    check(f"gen{name}: pids has the master and no workers key",
          after.get("pids") == {"master": node.master()}, after.get("pids"))
    check(f"gen{name}: configuration, plugins and node_id are the old ones",
          after["configuration"]["lua_package_path"] == before["configuration"]["lua_package_path"]
          and after["plugins"] == before["plugins"] and after["node_id"] == before["node_id"])
    check(f"gen{name}: .kong_env and nginx-kong.conf name the broken one already",
          node.env("lua_package_path") == path and path in node.read("nginx-kong.conf"))
    for port in (node.admin, node.status):
        check(f"gen{name}: /status is 200", node.get(port, "/status").status == 200)
    if check.is_3x:
        reply = node.ready()
        check(f"gen{name}: /status/ready is 503 and names the workers", reply.status == 503
              and "router builds not yet complete, router ready in 0 of 2 workers" in reply.body,
              reply)


def other_rejections(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    cases = [
        ("a plugin that is nowhere", {"plugins": "my-plugin,not-there"},
         r"on plugin 'not-there': not-there plugin is enabled but not installed;\nno plugin found"),
        ("an empty item in plugins", {"plugins": "my-plugin,"},
         r"on plugin '':  plugin is enabled but not installed;"),
        ("a generation that is not there", {"lua_package_path": node.root + "/gone/?.lua;;"},
         r"my-plugin plugin is enabled but not installed;"),
        ("a plugin in use but not in plugins", {"plugins": "request-termination"},
         r"in 'name': plugin 'my-plugin' not enabled; add it to the 'plugins' configuration"),
    ]
    for what, changes, reason in cases:
        offset, old = node.error_log_size(), node.workers()
        node.write_conf(**changes)
        codes = [node.run("check", node.conf).code, node.reload().code]
        until(lambda o=offset: rejections(node.error_log(o), node.master()))
        log = node.error_log(offset)
        check(f"{what}: check and reload are exit 0", codes == [0, 0], codes)
        check(f"{what}: rejected, and the log says why", re.search(reason, log), log)
        check(f"{what}: the old workers stay", node.workers() == old and node.served("1.0.0"))


def port_in_use(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        node.write_conf(proxy_listen=f"127.0.0.1:{node.proxy}, 127.0.0.1:{port}")
        offset, old = node.error_log_size(), node.workers()
        result = node.reload()
        check("a listen port in use: reload is exit 0", result.code == 0, result)
        wanted = rf"\[emerg\] {node.master()}#\d+: bind\(\) to 127\.0\.0\.1:{port} failed " \
            r"\(98: Address already in use\)"
        found = until(lambda: len(re.findall(wanted, node.error_log(offset))) >= 5)
        check("… five [emerg] bind() lines by the master", found, node.error_log(offset))
        check("… the old workers stay", node.workers() == old and node.served("1.0.0"))
        node.run("stop", "-p", node.prefix)
        until(lambda: node.master() is None)
        result = node.run("start", "-c", node.conf)
        check("… and a start is exit 1", result.code == 1, result)


def restart_after(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    for name in ("3a", "3c"):
        node.use(name)
        node.reload()
        result = node.run("restart", "-c", node.conf)
        check(f"gen{name}: restart is exit 1", result.code == 1, result)
        check(f"gen{name}: … and the node is down", node.ask() == (None, None), node.ask())
        result = node.run("start", "-c", node.conf)
        check(f"gen{name}: start is exit 1", result.code == 1, result)
        node.write_conf()
        node.start()


def crashed_workers(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old = node.workers()
    node.use("3a")
    node.reload()
    until(lambda: rejections(node.error_log(), node.master()))
    node.reload()
    check("a second reload of the same broken conf: exit 0 and a second line",
          until(lambda: len(rejections(node.error_log(), node.master())) == 2))
    # 2.8.5 may still hold the lock of a load that the rejected reload cut short, for up to a minute.
    answers = (201,) if check.is_3x else (201, 429)
    check("POST /config still works on the old workers",
          node.post_config(open(node.yml, encoding="utf-8").read()).status in answers)
    first = sorted(old)[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in node.workers() and len(node.workers()) == 2)
    fresh = node.workers() - old
    check("a killed worker comes back with a new pid", len(fresh) == 1, node.workers())
    known = until(node.admin_workers)
    check("… which is then all that pids.workers holds",
          known and {pid for pid in known if pid} == fresh, known)
    for pid in old & node.workers():
        os.kill(pid, signal.SIGKILL)
    node.replaced(old)
    check("all workers new, and still the old code", node.served("1.0.0")
          and all(title(pid) == "nginx: worker process" for pid in node.workers()))
    check("… and pids.workers is whole again, with the old configuration",
          until(lambda: set(node.admin_workers() or []) == node.workers())
          and "gen1" in node.node()["configuration"]["lua_package_path"])


def quiet_log(check, node):
    node.settings["log_level"] = "error"
    node.generation("1")
    node.write_conf()
    node.start()
    offset = node.error_log_size()
    node.use("3a")
    node.reload()
    found = until(lambda: rejections(node.error_log(offset), node.master()))
    log = node.error_log(offset)
    check("log_level=error: the rejection is logged all the same", found, log)
    check("log_level=error: 'reconfiguring' is not", "reconfiguring" not in log, log)
    offset, old = node.error_log_size(), node.workers()
    node.write_conf()
    node.reload()
    node.replaced(old)
    check("log_level=error: a good reload leaves nothing by the master",
          f" {node.master()}#" not in node.error_log(offset), node.error_log(offset))


GROUPS = [each_broken_generation, other_rejections, port_in_use, restart_after, crashed_workers,
          quiet_log]
